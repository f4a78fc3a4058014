// The provably largest angle of a DARTS space, within its limits on FLOPs and parameters.
//
// How: once the inputs of all nodes are fixed (180 ways in each cell) so are the path multiplicities, and the
// three sums and the costs add up over sixteen independent choices of an operation: minimise_cos() solves
// that (search/exact.h). Its own relaxation also bounds all 180 x 180 pairs at once: with the best cos so far
// t, any p > 0 and any mu >= 0, an architecture better than t has
//   D - t (p A + B / p) / 2 + mu (FLOPs - limit) < 0   (t <= 0: D - t sum of sqrt(a b), Cauchy-Schwarz),
// a sum of one part for each cell, whose minimum over operations is taken edge by edge. Pairs whose sum is
// not below zero for one p and mu hold nothing better; the others are solved best bound first, with t
// improving. Exact up to the slack of minimise_cos(), 1e-12 in cos.
#pragma once

#include <array>
#include <cstdint>

#include "search/darts/cell.h"
#include "search/exact.h"

namespace rlnas {
class SearchSpace;
}

namespace rlnas::darts {

struct LargestAngleOptions {
  // Operations allowed in normal and in reduction cells: bit `op` of each.
  std::array<unsigned, kCellKinds> ops{0xFE, 0xFE};
  std::int64_t max_nodes = 10'000'000;  // of all trees together, before giving up on a proof: minutes
};

struct LargestAngle {
  ExactStatus status = ExactStatus::infeasible;  // optimal, infeasible or unproven
  Architecture architecture;                     // the best, unless infeasible
  double angle_rad = 0.0;
  double cos = 1.0;
  double bound_cos = -1.0;  // no legal architecture is below this
  int pairs_solved = 0;     // of 32,400 pairs of topologies, those that the common bound left
  std::int64_t nodes = 0;   // of their trees
  double seconds = 0.0;
};

// The legal architecture with the largest angle (whatever the space's score). Errors: usage when `ops` leaves
// a cell without operations. Determinism: a function of its arguments, but for `seconds`.
LargestAngle largest_angle(const SearchSpace& space, const LargestAngleOptions& options = {});

}  // namespace rlnas::darts
