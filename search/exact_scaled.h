// A problem of exact.h in the units the solver computes in: no sum of norms above 1, a cost from 0 (every
// group's cheapest option) to 1 (every group's dearest), and what rounding can do to sums of these.
#pragma once

#include <array>
#include <vector>

#include "search/exact.h"

namespace rlnas {

// Sums of some options and of the fixed part.
struct ExactTotals {
  double dot = 0.0, norm0 = 0.0, norm1 = 0.0;
  std::array<double, kExactCosts> cost{};

  ExactTotals& operator+=(const ExactTotals& o) {
    dot += o.dot, norm0 += o.norm0, norm1 += o.norm1;
    for (std::size_t k = 0; k < kExactCosts; ++k) cost[k] += o.cost[k];
    return *this;
  }
};
inline ExactTotals operator+(ExactTotals a, const ExactTotals& b) {
  return a += b;
}

struct ExactScaledOption {
  ExactTotals sums;
  ExactCost cost{};
  int index = 0;  // in its group as given
};

struct ScaledExactProblem {
  ExactTotals fixed;
  std::vector<std::vector<ExactScaledOption>> groups;
  std::array<bool, kExactCosts> capped{};  // false where even the dearest architecture keeps the cap
  std::array<double, kExactCosts> cap{};
  double smallest_norm0 = 0.0, smallest_norm1 = 0.0;  // of any architecture, at least
  double smallest_norm = 0.0;                         // sqrt of their product
  double largest_sum = 0.0;                           // of the terms of a bound without costs, at most
  double rounding = 0.0;                              // of a bound, relative to the largest sum of its terms
  double slack = 0.0;                                 // a subtree with a bound above -slack is cut
};

// Errors: run_failed for an empty group, a norm that is not positive or sums that are not finite.
ScaledExactProblem scale(const ExactProblem& problem);

}  // namespace rlnas
