// The provably largest angle, within limits on FLOPs and parameters, of a space of one or two kinds of cells
// whose nodes all have the same number of live edges: DARTS'.
//
// How: once the inputs of all nodes are fixed (180 ways in each DARTS cell) so are the path multiplicities,
// and the three sums and the costs add up over independent choices of an operation: minimise_cos() solves
// that (search/exact.h). Its own relaxation also bounds all pairs of cells (180 x 180) at once: with the best
// cos so far t, any p > 0 and any mu >= 0, an architecture better than t has
//   D - t (p A + B / p) / 2 + mu (FLOPs - limit) < 0   (t <= 0: D - t sum of sqrt(a b), Cauchy-Schwarz),
// a sum of one part for each cell, whose minimum over operations is taken edge by edge. Pairs whose sum is
// not below zero for one p and mu hold nothing better; the others are solved best bound first, with t
// improving. Exact up to the slack of minimise_cos(), 1e-12 in cos.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "search/exact.h"
#include "search/exact_search.h"
#include "search/genes.h"

namespace rlnas {

class SearchSpace;
class Space;

inline constexpr int kPairedCells = 2;  // kinds at most

struct LargestAngleOptions {
  // Operations allowed in cells of either kind: bit `op` of each, of the first 32.
  std::array<unsigned, kPairedCells> ops{~0u, ~0u};
  std::int64_t max_nodes = 10'000'000;  // of all trees together, before giving up on a proof: minutes
};

struct LargestAngle {
  ExactStatus status = ExactStatus::infeasible;  // optimal, infeasible or unproven
  Genes genes;                                   // the best, unless infeasible
  double angle_rad = 0.0;
  double cos = 1.0;
  double bound_cos = -1.0;  // no legal architecture is below this
  int pairs_solved = 0;     // of all pairs of topologies, those that the common bound left
  std::int64_t nodes = 0;   // of their trees
  double seconds = 0.0;
};

// Whether it is for this space: its cells, and not too many ways to fix their inputs.
bool can_pair_cells(const Space& space);

// The legal architecture with the largest angle (whatever the space's score). Errors: usage when `ops` leaves
// a cell without operations. Determinism: a function of its arguments, but for `seconds`.
LargestAngle largest_angle(const SearchSpace& space, const LargestAngleOptions& options = {});

Optimum exact_of_cells(const SearchSpace& space);

}  // namespace rlnas
