#include "search/nasbench201/counts.h"

#include "kernels/check.h"

namespace rlnas::nasbench201 {
namespace {

constexpr std::int64_t square(std::int64_t x) {
  return x * x;
}
constexpr int kernel_area(Op op) {
  return op == Op::nor_conv_3x3 ? 9 : op == Op::nor_conv_1x1 ? 1 : 0;
}

// Parameters of the network without the operations of its cells: also the fixed part of the angle vector.
std::int64_t fixed_params(int classes) {
  RLNAS_CHECK(classes > 0, usage, "--classes ", classes, ": must be positive");
  std::int64_t total = 9 * kInputChannels * kStageChannels[0] + 2 * kStageChannels[0];  // stem
  for (std::size_t stage = 1; stage < kStageChannels.size(); ++stage) {
    const std::int64_t in = kStageChannels[stage - 1], out = kStageChannels[stage];
    total += 9 * in * out + 2 * out + 9 * out * out + 2 * out + in * out;  // conv_a, conv_b, downsample
  }
  const std::int64_t features = kStageChannels.back();
  return total + 2 * features + features * classes + classes;
}

// How many input -> node paths and node -> output paths avoid a none.
struct PathCounts {
  std::array<int, kNodeCount> from_input{1, 0, 0, 0};
  std::array<int, kNodeCount> to_output{0, 0, 0, 1};

  explicit PathCounts(const Cell& cell) {
    for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {  // edges are sorted by target
      if (cell.ops[edge] == Op::none) continue;
      from_input[std::size_t(kEdges[edge].target)] += from_input[std::size_t(kEdges[edge].source)];
    }
    for (std::size_t edge = kEdgeCount; edge-- > 0;) {
      if (cell.ops[edge] == Op::none) continue;
      to_output[std::size_t(kEdges[edge].source)] += to_output[std::size_t(kEdges[edge].target)];
    }
  }
};

}  // namespace

std::int64_t macs(const Cell& cell, int classes, int image_size) {
  RLNAS_CHECK(classes > 0, usage, "--classes ", classes, ": must be positive");
  RLNAS_CHECK(image_size > 0 && image_size % 4 == 0, usage, "--image-size ", image_size,
              ": must be a positive multiple of 4");
  std::int64_t total = square(image_size) * 9 * kInputChannels * kStageChannels[0];  // stem
  std::int64_t edge_unit = 0;  // of a 1x1 convolution in all 15 cells
  for (std::size_t stage = 0; stage < kStageChannels.size(); ++stage) {
    const std::int64_t pixels = square(image_size >> stage), out = kStageChannels[stage];
    edge_unit += kCellsPerStage * pixels * out * out;
    if (stage == 0) continue;
    const std::int64_t in = kStageChannels[stage - 1];
    total += pixels * (9 * in * out + 9 * out * out + in * out);
  }
  for (const Op op : cell.ops) total += kernel_area(op) * edge_unit;
  return total + std::int64_t(kStageChannels.back()) * classes + classes;
}

std::int64_t params(const Cell& cell, int classes) {
  std::int64_t total = fixed_params(classes);
  for (const Op op : cell.ops) {
    if (kernel_area(op) == 0) continue;
    for (const std::int64_t channels : kStageChannels) {
      total += kCellsPerStage * (kernel_area(op) * channels * channels + 2 * channels);
    }
  }
  return total;
}

std::array<int, kEdgeCount> path_multiplicity(const Cell& cell) {
  const PathCounts paths(cell);
  std::array<int, kEdgeCount> multiplicity{};
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    if (cell.ops[edge] == Op::none) continue;
    multiplicity[edge] = paths.from_input[std::size_t(kEdges[edge].source)] *
                         paths.to_output[std::size_t(kEdges[edge].target)];
  }
  return multiplicity;
}

int live_paths(const Cell& cell) {
  return PathCounts(cell).from_input.back();
}

std::int64_t angle_vector_length(const Cell& cell, int classes) {
  std::int64_t total = fixed_params(classes);
  if (live_paths(cell) == 0) return 0;
  const std::array<int, kEdgeCount> multiplicity = path_multiplicity(cell);
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    const Op op = cell.ops[edge];
    for (const std::int64_t channels : kStageChannels) {
      const std::int64_t entries =
          op == Op::avg_pool_3x3 ? 9 * channels : kernel_area(op) * channels * channels;
      total += multiplicity[edge] * kCellsPerStage * entries;
    }
  }
  return total;
}

}  // namespace rlnas::nasbench201
