// The provably largest angle of a space whose three sums add up over choices: one option out of each group, a
// fixed part, additive costs under caps. Finds the smallest cos = D / sqrt(A B) by branch and bound.
//
// Why it is exact: with t the best cos so far, an architecture is better only if D - t sqrt(A B) < 0. For t >
// 0, sqrt(A B) <= (p A + B / p) / 2 for every p > 0, with equality at p = sqrt(B / A). For t <= 0, sqrt is
// bounded from below by its chord over the values that B / A can take. Either way D - t sqrt(A B) is at least
// a sum over groups, whose minimum takes each group's smallest term, and so it is after adding mu (cost -
// cap) with mu >= 0, which is never positive for a legal architecture (Lagrange). A subtree whose bound is
// not below zero for any one p and mu holds nothing better. p and mu only decide how tight a bound is, never
// whether it holds. Rounding: a subtree is cut when its bound is above -slack, where the slack exceeds all
// rounding of such a sum and is at most 1e-12 in cos for sums that do not cancel; bound_cos in the result
// includes it.
// Speed: MobileNet's 21 blocks under its cap take some dozens of nodes, well below a millisecond. The chord
// is the looser of the two bounds: where even the best angle is beyond 90 degrees, it can take millions of
// nodes.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "rlnas/spec.hpp"

namespace rlnas {

inline constexpr int kExactCosts = 2;  // MACs and parameters, say
using ExactCost = std::array<std::int64_t, kExactCosts>;
inline constexpr std::int64_t kNoCap = std::numeric_limits<std::int64_t>::max();

struct ExactOption {
  AngleSums sums;
  ExactCost cost{};
};

struct ExactProblem {
  AngleSums fixed;  // both norms positive
  ExactCost fixed_cost{};
  ExactCost max_cost{kNoCap, kNoCap};
  std::vector<std::vector<ExactOption>> groups;  // none empty
};

struct ExactOptions {
  // Only architectures with a smaller cos are of interest: a good value makes the proof that there is none
  // quick.
  double incumbent_cos = std::numeric_limits<double>::infinity();
  // Nodes visited before giving up on a proof.
  std::int64_t max_nodes = 1'000'000'000;
};

enum class ExactStatus {
  optimal,      // `choice` is the best
  none_better,  // no legal architecture is below incumbent_cos
  infeasible,   // no architecture is within the caps
  unproven,     // max_nodes reached: `choice`, if not empty, is the best seen, bound_cos what is proven
};

struct ExactResult {
  ExactStatus status = ExactStatus::infeasible;
  std::vector<int> choice;  // option of each group; empty unless one below incumbent_cos was found
  AngleSums sums;           // of the choice, fixed part first and then group after group
  ExactCost cost{};
  double cos = std::numeric_limits<double>::infinity();
  double bound_cos = -1.0;  // no legal architecture is below this; cos less the slack when optimal
  std::int64_t nodes = 0;   // of the tree, the root included
  double seconds = 0.0;
};

// Errors: run_failed for an empty group, a norm that is not positive or sums that are not finite.
// Determinism: a function of its arguments, but for `seconds`.
ExactResult minimise_cos(const ExactProblem& problem, const ExactOptions& options = {});

}  // namespace rlnas
