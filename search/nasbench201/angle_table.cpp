#include "search/nasbench201/angle_table.h"

#include <cmath>

#include "kernels/check.h"
#include "search/nasbench201/counts.h"

namespace rlnas::nasbench201 {
namespace {

// An avg_pool_3x3 stands in the vector as 9*C entries of 1/9 per cell, the same before and after training.
double pool_constant() {
  double entries = 0;
  for (const int channels : kStageChannels) entries += 9.0 * kCellsPerStage * channels;
  return entries / 81.0;
}

AngleSums times(double factor, const AngleSums& sums) {
  return {factor * sums.dot, factor * sums.norm0_sq, factor * sums.norm1_sq};
}

}  // namespace

AngleTable make_angle_table(const SegmentTable& segments, const std::vector<AngleSums>& sums) {
  check_sums(segments, sums);
  AngleTable table;
  for (int i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    const AngleSums& sum = sums[std::size_t(i)];
    if (segment.edge < 0) {
      table.fixed += sum;
      continue;
    }
    RLNAS_CHECK(segment.edge < kEdgeCount && segment.op >= 0 && segment.op < kOpCount, run_failed, "tensor ",
                segment.name, " is on edge ", segment.edge, ", op ", segment.op, ": not in this space");
    table.sums[std::size_t(segment.edge)][std::size_t(segment.op)] += sum;
    table.op_angle_rad[std::size_t(segment.edge)][std::size_t(segment.op)] += rlnas::angle_rad(sum);
  }
  const double constant = pool_constant();
  table.pool = {constant, constant, constant};
  return table;
}

double angle_rad(const AngleTable& table, const Cell& cell) {
  if (live_paths(cell) == 0) return 0.0;
  const std::array<int, kEdgeCount> multiplicity = path_multiplicity(cell);
  int pool_visits = 0;  // summed as integers, because it does not matter where the pools are
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    if (cell.ops[edge] == Op::avg_pool_3x3) pool_visits += multiplicity[edge];
  }
  AngleSums total = table.fixed;
  total += times(pool_visits, table.pool);
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    total += times(multiplicity[edge], table.sums[edge][std::size_t(cell.ops[edge])]);
  }
  return rlnas::angle_rad(total);
}

double op_angle_sum(const AngleTable& table, const Cell& cell) {
  const std::array<int, kEdgeCount> multiplicity = path_multiplicity(cell);
  double total = 0.0;
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    if (multiplicity[edge] > 0) total += table.op_angle_rad[edge][std::size_t(cell.ops[edge])];
  }
  return total;
}

double score(const AngleTable& table, const Cell& cell, ScoreKind kind) {
  return kind == ScoreKind::angle ? angle_rad(table, cell) : op_angle_sum(table, cell);
}

}  // namespace rlnas::nasbench201
