// The closed form of the angle on NAS-Bench-201: every cell's angle from 6x5 table entries and
// multiplicities, in a few dozen additions. Source: method.md 7.2-7.5.
#pragma once

#include <array>
#include <vector>

#include "engine/segment_table.h"
#include "search/angle.h"
#include "search/nasbench201/cell.h"

namespace rlnas::nasbench201 {

template <class T>
using PerEdgeOp = std::array<std::array<T, kOpCount>, kEdgeCount>;

struct AngleTable {
  AngleSums fixed;                   // stem, residual blocks, head
  AngleSums pool;                    // the constant vector of one avg_pool_3x3 edge, the same on every edge
  PerEdgeOp<AngleSums> sums{};       // [edge][op], tensors of the 15 cells together
  PerEdgeOp<double> op_angle_rad{};  // [edge][op], sum of the 15 tensors' own angles; 0 without parameters
};

// `sums` holds the three sums of each segment of `segments`; segments with edge == -1 make the fixed part.
// Errors: run_failed when the sizes differ or a sum is not finite (a NaN in the weights), naming the tensor.
AngleTable make_angle_table(const SegmentTable& segments, const std::vector<AngleSums>& sums);

// Angle between the cell's weight vectors, in radians; 0 for a cell without a live path.
// Cells whose vectors hold the same entries as often get bit-equal angles: ties stay ties.
double angle_rad(const AngleTable& table, const Cell& cell);

// Sum over live edges of their operation's own angles: no multiplicity, no fixed part, no constants.
double op_angle_sum(const AngleTable& table, const Cell& cell);

double score(const AngleTable& table, const Cell& cell, ScoreKind kind);

}  // namespace rlnas::nasbench201
