#include "search/nasbench201/training.h"

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
  return summary_of(angle_sample_, [&](const Cell& a) { return angle_rad(table, a); });
}

}  // namespace rlnas::nasbench201
