// The words that choices are written in, wherever a person or a program reads or writes them: flags, files,
// environment, JSON, logs. One table for each enum; inside there are only the enums.
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "kernels/check.h"
#include "kernels/nearest_word.h"
#include "rlnas/choices.hpp"

namespace rlnas {

template <class Enum>
struct Word {
  Enum value;
  const char* text;
};

// `list` has a Word for every value of the enum, in the order in which messages name them.
template <class Enum>
struct Words;

template <class Enum>
const char* word_of(Enum value) {
  for (const Word<Enum>& word : Words<Enum>::list)
    if (word.value == value) return word.text;
  fail(ErrorCode::run_failed, "a setting has the value ", int(value), ", which has no word");
}

// All words, in order: "random|true".
template <class Enum>
std::string words_of(const char* between) {
  std::string words;
  for (const Word<Enum>& word : Words<Enum>::list)
    words += (words.empty() ? "" : between) + std::string(word.text);
  return words;
}

// flag: where the text comes from ("--labels"). Errors: usage, naming it and all words.
template <class Enum>
Enum parse_word(const std::string& flag, const std::string& text) {
  std::vector<std::string> known;
  for (const Word<Enum>& word : Words<Enum>::list) {
    if (text == word.text) return word.value;
    known.push_back(word.text);
  }
  fail(ErrorCode::usage, flag, ": '", text, "' is not one of ", words_of<Enum>(", "),
       did_you_mean(text, known));
}

// A setting as it is written: a choice by its word, anything else as it is.
template <class T>
decltype(auto) as_written(const T& value) {
  if constexpr (std::is_enum_v<T>)
    return word_of(value);
  else
    return (value);
}

template <>
struct Words<Compat> {
  static constexpr Word<Compat> list[] = {{Compat::none, "none"}, {Compat::megvii, "megvii"}};
};

template <>
struct Words<LabelKind> {
  static constexpr Word<LabelKind> list[] = {{LabelKind::random, "random"}, {LabelKind::from_data, "true"}};
};

template <>
struct Words<CifarSplit> {
  static constexpr Word<CifarSplit> list[] = {{CifarSplit::half, "half"}, {CifarSplit::all, "all"}};
};

template <>
struct Words<TrainingCrop> {
  static constexpr Word<TrainingCrop> list[] = {
      {TrainingCrop::shift, "shift"}, {TrainingCrop::area, "area"}, {TrainingCrop::resized, "resized"}};
};

template <>
struct Words<PathSampling> {
  static constexpr Word<PathSampling> list[] = {{PathSampling::per_cell, "per-cell"},
                                                {PathSampling::per_net, "per-net"}};
};

template <>
struct Words<TrainMethod> {
  static constexpr Word<TrainMethod> list[] = {{TrainMethod::single_path, "single-path"},
                                               {TrainMethod::darts, "darts"},
                                               {TrainMethod::pc_darts, "pc-darts"}};
};

template <>
struct Words<Unsampled> {
  static constexpr Word<Unsampled> list[] = {{Unsampled::coast, "coast"}, {Unsampled::freeze, "freeze"}};
};

template <>
struct Words<Initializer> {
  static constexpr Word<Initializer> list[] = {{Initializer::pytorch, "pytorch"},
                                               {Initializer::kaiming_fan_in, "kaiming-fan-in"},
                                               {Initializer::normal_fan_out, "normal-fan-out"}};
};

template <>
struct Words<Schedule> {
  static constexpr Word<Schedule> list[] = {{Schedule::cosine, "cosine"},
                                            {Schedule::cosine_ahead, "cosine-ahead"},
                                            {Schedule::linear, "linear"},
                                            {Schedule::linear_ahead, "linear-ahead"},
                                            {Schedule::darts_retrain, "darts-retrain"}};
};

template <>
struct Words<Decay> {
  static constexpr Word<Decay> list[] = {{Decay::all, "all"},
                                         {Decay::convolutions, "convolutions"},
                                         {Decay::convolutions_and_classifier, "convolutions-and-classifier"}};
};

template <>
struct Words<ConvAlgorithm> {
  static constexpr Word<ConvAlgorithm> list[] = {{ConvAlgorithm::automatic, "auto"},
                                                 {ConvAlgorithm::direct, "direct"},
                                                 {ConvAlgorithm::winograd, "winograd"}};
};

template <>
struct Words<Precision> {
  static constexpr Word<Precision> list[] = {
      {Precision::fp32, "fp32"}, {Precision::tf32, "tf32"}, {Precision::bf16, "bf16"}};
};

template <>
struct Words<Pointwise> {
  static constexpr Word<Pointwise> list[] = {{Pointwise::cublas, "cublas"}, {Pointwise::cudnn, "cudnn"}};
};

template <>
struct Words<NormAndPool> {
  static constexpr Word<NormAndPool> list[] = {{NormAndPool::own, "own"}, {NormAndPool::cudnn, "cudnn"}};
};

}  // namespace rlnas
