// What the functions of rlnas.h share: exceptions into statuses, sized structs in and out, settings from
// text.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/check.h"
#include "kernels/words.h"
#include "rlnas/rlnas.h"
#include "rlnas/train.hpp"

namespace rlnas::c {

// Of this thread. Never throws.
rlnas_status failed(rlnas_status status, const char* message) noexcept;
rlnas_status caught() noexcept;  // in a handler: of what is being handled

template <class Body>
rlnas_status guarded(const Body& body) noexcept {
  try {
    body();
    return RLNAS_OK;
  } catch (...) {
    return caught();
  }
}

// Errors: usage for a null pointer.
template <class T>
T& required(T* pointer, const char* what) {
  RLNAS_CHECK(pointer != nullptr, usage, what, " is NULL");
  return *pointer;
}
inline std::string text_of(const char* text) {
  return text == nullptr ? "" : text;
}
inline std::string required_text(const char* text, const char* what) {
  return &required(text, what);
}
inline std::vector<std::string> texts_of(const char* const* texts, std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(required_text((&required(texts, "architectures"))[i], "an architecture"));
  return all;
}
void give(const std::string& text, char** out);  // to be freed by rlnas_free

// The fields that a caller's struct has; the others are 0. Errors: usage for one without a size.
template <class T>
T taken(const T* in) {
  T own{};
  if (in == nullptr) return own;
  RLNAS_CHECK(in->size >= sizeof(std::size_t), usage, "a struct without its size: begin it with RLNAS_INIT");
  std::memcpy(&own, in, std::min(in->size, sizeof(T)));
  return own;
}
// What the caller's struct has room for.
template <class T>
void put(const T& own, T* out) {
  if (out == nullptr) return;
  const std::size_t size = out->size;
  RLNAS_CHECK(size >= sizeof(std::size_t), usage, "a struct without its size: begin it with RLNAS_INIT");
  std::memcpy(out, &own, std::min(size, sizeof(T)));
  out->size = size;
}

std::function<bool()> stop_of(const rlnas_callbacks& callbacks);  // empty: none
std::function<void(const Preparation&)> preparing_of(const rlnas_callbacks& callbacks);

// A value in the words of a flag. Errors: usage, naming it.
template <class T>
void read_value(const std::string& name, const std::string& text, T& value) {
  const std::string flag = "--" + name;
  if constexpr (std::is_same_v<T, std::string>) {
    value = text;
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    value.push_back(text);
  } else if constexpr (std::is_same_v<T, bool>) {
    RLNAS_CHECK(text == "true" || text == "false", usage, flag, ": '", text, "' is neither true nor false");
    value = text == "true";
  } else if constexpr (std::is_enum_v<T>) {
    value = parse_word<T>(flag, text);
  } else if constexpr (std::is_arithmetic_v<T>) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    RLNAS_CHECK(error == std::errc() && end == text.data() + text.size() && !text.empty(), usage, flag, ": '",
                text, "' is not such a number");
  } else {
    read_value(name, text, value.emplace());  // optional
  }
}

}  // namespace rlnas::c
