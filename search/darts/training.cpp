#include "search/darts/training.h"

#include "search/darts/angle_table.h"

namespace rlnas::darts {
namespace {

// Separable 5x5 convolutions everywhere keep the most activations; with both inputs of every node from
// outside the cell, gradients of the full image's size come up in a reduction cell.
Architecture largest_path() {
  Cell cell;
  for (int node = kInputCount; node < kAllNodes; ++node)
    for (int input = 0; input < kInputCount; ++input)
      cell.ops[std::size_t(first_edge(node) + input)] = Op::sep_conv_5x5;
  return {cell, cell};
}

}  // namespace

Training::Training(const NetworkSpec& spec, Initializer initializer, std::uint64_t seed, PathSource source,
                   Compat compat)
    : spec_(spec), supernet_(spec, initializer), sampler_(seed, source), compat_(compat) {
  const PathSampler sample(0, PathSource::philox);
  for (int i = 0; i < kAngleSample; ++i) angle_sample_.push_back(sample.path(i));
}

Tensor Training::forward(Context& context, const Tensor& images, std::int64_t step) {
  return supernet_.forward(context, images, sampler_.path(step));
}

Tensor Training::forward_largest(Context& context, const Tensor& images) {
  return supernet_.forward(context, images, largest_path());
}

std::vector<int> Training::path_ops(std::int64_t step) {
  const Architecture path = sampler_.path(step);
  std::vector<int> ops;
  for (const Cell& cell : {path.normal, path.reduce})
    for (const Op op : cell.ops) ops.push_back(int(op));
  return ops;
}

AngleSummary Training::angle_summary(const std::vector<AngleSums>& sums) const {
  const AngleTable table = make_angle_table(layout().parameters(), sums, spec_, compat_);
  return summary_of(angle_sample_, [&](const Architecture& a) { return angle_rad(table, a); });
}

}  // namespace rlnas::darts
