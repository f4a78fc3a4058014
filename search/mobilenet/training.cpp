#include "search/mobilenet/training.h"

#include "engine/philox.h"
#include "search/mobilenet/angle_table.h"

namespace rlnas::mobilenet {

Training::Training(const SupernetConfig& config, std::uint64_t seed, Compat compat)
    : supernet_(config), sampler_(seed, compat) {
  RandomStream random(0, "angle-sample");
  while (angle_sample_.size() < kAngleSample) {
    Architecture architecture;
    for (std::size_t b = 0; b < kBlockCount; ++b)
      architecture.ops[b] = Op(random.below(std::uint32_t(kBlocks[b].options())));
    angle_sample_.push_back(architecture);
  }
}

Tensor Training::forward(Context& context, const Tensor& images, std::int64_t step) {
  return supernet_.forward(context, images, sampler_.path(step));
}

Tensor Training::forward_largest(Context& context, const Tensor& images) {
  Architecture largest;
  largest.ops.fill(Op::k7e6);
  return supernet_.forward(context, images, largest);
}

std::vector<int> Training::path_ops(std::int64_t step) {
  std::vector<int> ops;
  for (const Op op : sampler_.path(step).ops) ops.push_back(op == Op::identity ? -1 : int(op));
  return ops;
}

AngleSummary Training::angle_summary(const std::vector<AngleSums>& sums) const {
  const AngleTable table = make_angle_table(layout().parameters(), sums);
  return summary_of(angle_sample_, [&](const Architecture& a) { return angle_rad(table, a); });
}

}  // namespace rlnas::mobilenet
