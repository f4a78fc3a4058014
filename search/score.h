// What --score asks for: an indicator, or several whose ranks are joined.
#pragma once

#include <string>
#include <vector>

#include "search/indicator.h"

namespace rlnas {

struct Score {
  std::string name = "angle";                       // as it was asked for
  std::vector<std::string> indicators = {"angle"};  // several: the sum of the logarithms of their ranks

  bool is_sum() const { return indicators.size() > 1; }
  Needs needs() const;  // of any of them
  // What an exact search can maximise.
  bool adds_up() const { return !is_sum() && indicator_info(indicators.front()).adds_up; }
};

// An indicator, a named sum ("az-nas"), or several of either joined by "+"; an indicator that comes twice
// counts once. Errors: usage, naming --score, what was not understood and what there is.
Score parse_score(const std::string& text);

// For --help: a line for each indicator, with what it needs, and for each named sum.
std::string score_table();

}  // namespace rlnas
