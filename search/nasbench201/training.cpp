#include "search/nasbench201/training.h"

#include <algorithm>

#include "engine/philox.h"
#include "search/nasbench201/angle_table.h"
#include "search/nasbench201/counts.h"

namespace rlnas::nasbench201 {

Training::Training(const SupernetConfig& config, std::uint64_t seed, Sampling sampling, PathSource source)
    : supernet_(config), sampler_(seed, supernet_.searchable_cells(), sampling, source) {
  RandomStream random(0, "angle-sample");
  while (angle_sample_.size() < kAngleSample) {
    const Cell cell = cell_at(int(random.below(kSpaceSize)));
    if (live_paths(cell) > 0) angle_sample_.push_back(cell);
  }
}

Tensor Training::forward(Context& context, const Tensor& images, std::int64_t step) {
  return supernet_.forward(context, images, sampler_.paths(step));
}

Tensor Training::forward_largest(Context& context, const Tensor& images) {
  Cell all_conv;
  all_conv.ops.fill(Op::nor_conv_3x3);
  const std::vector<Cell> paths(std::size_t(supernet_.searchable_cells()), all_conv);
  return supernet_.forward(context, images, paths);
}

std::vector<int> Training::path_ops(std::int64_t step) {
  std::vector<int> ops;
  for (const Cell& cell : sampler_.paths(step))
    for (const Op op : cell.ops) ops.push_back(int(op));
  return ops;
}

AngleSummary Training::angle_summary(const std::vector<AngleSums>& sums) const {
  const AngleTable table = make_angle_table(layout().parameters(), sums);
  AngleSummary summary{.mean_rad = 0.0, .min_rad = 4.0, .max_rad = 0.0};
  for (const Cell& cell : angle_sample_) {
    const double angle = angle_rad(table, cell);
    summary.mean_rad += angle / kAngleSample;
    summary.min_rad = std::min(summary.min_rad, angle);
    summary.max_rad = std::max(summary.max_rad, angle);
  }
  return summary;
}

}  // namespace rlnas::nasbench201
