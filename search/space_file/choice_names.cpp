#include "search/space_file/choice_names.h"

#include <algorithm>

namespace rlnas::space_file {
namespace {

constexpr std::pair<const char*, int ChoicePlace::*> kNumbers[] = {
    {"{block}", &ChoicePlace::block},   {"{position}", &ChoicePlace::position},
    {"{target}", &ChoicePlace::target}, {"{source}", &ChoicePlace::source},
    {"{edge}", &ChoicePlace::edge},     {"{op}", &ChoicePlace::op},
};

}  // namespace

ChoiceNames::ChoiceNames(const std::string& pattern) {
  for (std::size_t at = 0; at < pattern.size();) {
    const auto* const number = std::find_if(std::begin(kNumbers), std::end(kNumbers), [&](const auto& one) {
      return pattern.compare(at, std::string(one.first).size(), one.first) == 0;
    });
    if (number == std::end(kNumbers)) {
      end_ += pattern[at++];
      continue;
    }
    parts_.emplace_back(std::exchange(end_, {}), number->second);
    at += std::string(number->first).size();
  }
}

std::string ChoiceNames::of(const ChoicePlace& place) const {
  std::string name;
  for (const auto& [text, number] : parts_) {
    name += text;
    name += std::to_string(place.*number);
  }
  return name + end_;
}

}  // namespace rlnas::space_file
