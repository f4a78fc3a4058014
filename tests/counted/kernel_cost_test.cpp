// What each launch says it costs (LaunchShape::costing) against what its kernel touches: the kernels run in
// the emulator over memory that notes which pages are read and written.
#include <doctest/doctest.h>

#include <cstdlib>

#include "kernels/cuda/augment.cuh"
#include "kernels/cuda/batch_norm.cuh"
#include "kernels/cuda/cast.cuh"
#include "kernels/cuda/depthwise.cuh"
#include "kernels/cuda/depthwise_gradients.cuh"
#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/filter_layout.cuh"
#include "kernels/cuda/linear_bias.cuh"
#include "kernels/cuda/loss.cuh"
#include "kernels/cuda/pool.cuh"
#include "kernels/cuda/rearrange.cuh"
#include "kernels/cuda/sgd.cuh"
#include "tests/counted/touched_memory.h"
#include "tests/emulation/emulator.h"
#include "tests/simulator/work_log.h"

namespace rlnas::test {
namespace {

// Vectors of a value a channel and the ends of tensors are counted as whole pages; every tensor has 64 or
// more.
constexpr double kSlackBytes = 10 * TouchedMemory::kPageBytes;
constexpr int kSide = 32, kChannels = 64, kBatch = 4, kRows = kBatch * kSide * kSide;
constexpr std::size_t kCount = std::size_t(kRows) * kChannels;  // 1 MiB of floats

// Checks every launch while it lives.
class CheckedLaunches {
 public:
  explicit CheckedLaunches(TouchedMemory& memory) : before_(emulation::executor()) {
    emulation::executor() = [&memory, this](const emulation::Launch& launch) {
      CAPTURE(std::string(launch.kernel));
      const KernelCost cost = launch.shape.cost + simulator::cost_of(launch.shape.segments);
      const TouchedMemory::Touched touched = memory.watch([&] { launch.run(); });
      CHECK(std::abs(double(touched.read_bytes) - double(cost.read_bytes)) <= kSlackBytes);
      CHECK(std::abs(double(touched.written_bytes) - double(cost.written_bytes)) <= kSlackBytes);
      ++count_;
    };
  }
  ~CheckedLaunches() { emulation::executor() = before_; }
  CheckedLaunches(const CheckedLaunches&) = delete;
  CheckedLaunches& operator=(const CheckedLaunches&) = delete;

  int count() const { return count_; }

 private:
  emulation::Executor before_;
  int count_ = 0;
};

}  // namespace

TEST_CASE_TEMPLATE("launches cost what their kernels touch: element-wise, casts, filters, rearranging", E,
                   float, Bf16) {
  TouchedMemory memory;
  E *const x = memory.allocate<E>(kCount), *const y = memory.allocate<E>(kCount),
           *const z = memory.allocate<E>(kCount);
  float *const scale = memory.allocate<float>(kRows), *const whole = memory.allocate<float>(kCount);
  Bf16* const half = memory.allocate<Bf16>(kCount);
  const CheckedLaunches launches(memory);
  for (const Store store : {Store::overwrite, Store::accumulate}) {
    launch_add({.count = kCount, .x = x, .y = y, .store = store}, nullptr);
    launch_activation_backward(
        {.activation = Activation::relu, .count = kCount, .activated = x, .dy = y, .dx = z, .store = store},
        nullptr);
    launch_scale_rows(
        {.spec = {.rows = kRows, .columns = kChannels}, .scale = scale, .x = x, .y = y, .store = store},
        nullptr);
    launch_copy_channels(
        {.spec = {.rows = kRows, .channels = kChannels, .from_stride = kChannels, .to_stride = kChannels},
         .x = x,
         .y = y,
         .store = store},
        nullptr);
  }
  launch_fill({.count = kCount, .value = 1.0f, .y = x}, nullptr);
  AffineSumSpec sum{.rows = kRows,
                    .channels = kChannels,
                    .height = kSide,
                    .width = kSide,
                    .term_count = 2,
                    .activation = Activation::relu};
  sum.terms[0] = {.x = x, .scale = scale, .shift = scale};
  sum.terms[1] = {.x = y, .averaged = true};
  launch_affine_sum({.spec = sum, .activated = z}, nullptr);
  launch_to_bf16(kCount, whole, half, nullptr);
  launch_to_float(kCount, half, whole, nullptr);
  launch_krsc_to_oihw({.in_channels = 256, .out_channels = 64, .kernel = 3}, x, whole, nullptr);
  CHECK(launches.count() == 13);
}

TEST_CASE_TEMPLATE("launches cost what their kernels touch: batch norm", E, float, Bf16) {
  TouchedMemory memory;
  // Eight chunks, of whose first rows each is in a page of its own.
  const BatchNormSpec spec{.rows = kRows / 4, .channels = 4 * kChannels};
  E *const x = memory.allocate<E>(kCount), *const dy = memory.allocate<E>(kCount),
           *const dx = memory.allocate<E>(kCount);
  float* const c = memory.allocate<float>(8 * std::size_t(spec.channels));
  const Workspace workspace{memory.allocate<char>(batch_norm_scratch_bytes(spec)),
                            batch_norm_scratch_bytes(spec)};
  const BatchNormSaved saved = BatchNormSaved::at(c, spec.channels);
  unsigned counters[kBlockCounters] = {};
  const CheckedLaunches launches(memory);
  launch_batch_norm_statistics({.spec = spec,
                                .x = x,
                                .running_mean = c + 4 * spec.channels,
                                .running_var = c + 5 * spec.channels,
                                .saved = saved},
                               workspace, counters, nullptr);
  for (const Activation activation : {Activation::none, Activation::relu6})
    launch_batch_norm_backward(
        {.spec = spec, .x = x, .dy = dy, .saved = saved, .dx = dx, .activation = activation}, workspace,
        counters, nullptr);
  CHECK(launches.count() == 5);
}

TEST_CASE_TEMPLATE("launches cost what their kernels touch: pooling and subsampling", E, float, Bf16) {
  TouchedMemory memory;
  const PoolSpec spec{.batch = kBatch, .channels = kChannels, .in_height = kSide, .in_width = kSide};
  E *const x = memory.allocate<E>(kCount), *const y = memory.allocate<E>(kCount);
  float* const means = memory.allocate<float>(kBatch * kChannels);
  std::uint8_t* const index = memory.allocate<std::uint8_t>(kCount);
  const CheckedLaunches launches(memory);
  launch_avg_pool_forward({.spec = spec, .x = x, .y = y}, nullptr);
  launch_max_pool_forward({.spec = spec, .x = x, .y = y, .index = index}, nullptr);
  const SubsampleSpec half{.batch = kBatch, .channels = kChannels, .in_height = kSide, .in_width = kSide};
  for (const Store store : {Store::overwrite, Store::accumulate}) {
    launch_avg_pool_backward({.spec = spec, .dy = y, .dx = x, .store = store}, nullptr);
    launch_max_pool_backward({.spec = spec, .index = index, .dy = y, .dx = x, .store = store}, nullptr);
  }
  launch_subsample_backward({.spec = half, .dy = y, .dx = x}, nullptr);
  launch_global_avg_pool_forward(
      {.batch = kBatch, .pixels = kSide * kSide, .channels = kChannels, .x = x, .y = means}, nullptr);
  launch_global_avg_pool_backward(
      {.batch = kBatch, .pixels = kSide * kSide, .channels = kChannels, .dy = means, .dx = x}, nullptr);
  CHECK(launches.count() == 9);
}

TEST_CASE_TEMPLATE("launches cost what their kernels touch: depthwise convolutions", E, float, Bf16) {
  TouchedMemory memory;
  E *const x = memory.allocate<E>(kCount), *const y = memory.allocate<E>(kCount),
           *const z = memory.allocate<E>(kCount), *const y_of_norm = memory.allocate<E>(kCount);
  float *const w = memory.allocate<float>(kChannels * 9), *const c = memory.allocate<float>(kChannels * 15);
  for (const int stride : {1, 2}) {
    const ConvSpec spec{.batch = kBatch,
                        .in_channels = kChannels,
                        .in_height = kSide,
                        .in_width = kSide,
                        .out_channels = kChannels,
                        .kernel = 3,
                        .stride = stride,
                        .padding = 1,
                        .groups = kChannels};
    const auto scratch = [&](std::size_t bytes) { return Workspace{memory.allocate<char>(bytes), bytes}; };
    const Workspace of_gradients = scratch(depthwise_gradients_workspace_bytes(spec)),
                    of_statistics = scratch(depthwise_statistics_workspace_bytes(spec));
    const DepthwiseInput normed{x, BatchNormSaved::at(c, kChannels), Activation::relu6};
    unsigned counters[kBlockCounters] = {};
    const CheckedLaunches launches(memory);
    for (const DepthwiseInput& input : {DepthwiseInput{.x = x}, normed}) {
      depthwise_forward(spec, input, w, y, nullptr);
      depthwise_forward(spec, input, w,
                        {.spec = {.rows = int(spec.out_count() / kChannels), .channels = kChannels},
                         .running_mean = c + 4 * kChannels,
                         .running_var = c + 5 * kChannels,
                         .saved = BatchNormSaved::at(c + 6 * kChannels, kChannels)},
                        y, of_statistics, counters, nullptr);
    }
    const auto gradients = [&](const DepthwiseOutputGradient& output, const DepthwiseInput& input,
                               const DepthwiseGradients& wanted) {
      depthwise_gradients(spec, output, w, input, wanted, of_gradients, counters, nullptr);
    };
    const DepthwiseOutputGradient of_norm{.dz = y,
                                          .y = y_of_norm,
                                          .norm = BatchNormSaved::at(c + 6 * kChannels, kChannels),
                                          .activation = Activation::relu6,
                                          .note = c + 10 * kChannels,
                                          .dgamma = c + 14 * kChannels};
    gradients({.dz = y}, {.x = x}, {.dw = w});
    gradients({.dz = y}, normed, {.dw = w});
    gradients({.dz = y}, {}, {.dx = z});
    gradients({.dz = y}, {.x = x, .activation = Activation::relu}, {.dx = z, .store = Store::accumulate});
    gradients(of_norm, normed, {.dw = w, .dx = z, .note = c + 4 * kChannels});
    CHECK(launches.count() == 4 + 5 + 3);
  }
}

TEST_CASE("launches cost what their kernels touch: images, classifier, loss, optimiser") {
  constexpr int kImages = 128, kClasses = 1000, kBlocks = 32;
  TouchedMemory memory;
  float *const x = memory.allocate<float>(kCount), *const y = memory.allocate<float>(kCount),
               *const m = memory.allocate<float>(kCount);
  std::uint8_t* const pixels = memory.allocate<std::uint8_t>(kCount);
  auto* const params = memory.allocate<AugmentParams>(kImages);
  auto* const labels = memory.allocate<std::int32_t>(kImages);
  auto* const sums = memory.allocate<LossSums>(1);
  auto* const blocks = memory.allocate<SegmentBlock>(kBlocks);
  auto* const states = memory.allocate<SegmentState>(kBlocks);
  auto* const norm = memory.allocate<GradientNorm>(1);
  for (int i = 0; i < kBlocks; ++i) {
    blocks[i] = {i * SegmentBlock::kBlockElements, std::int32_t(SegmentBlock::kBlockElements), i};
    states[i] = i % 4 == 0   ? SegmentState::untouched
                : i % 4 == 1 ? SegmentState::coasting
                             : SegmentState::sampled;
  }
  const Workspace workspace{memory.allocate<double>(kBlocks), kBlocks * sizeof(double)};
  const CheckedLaunches launches(memory);
  for (const Values images : {Values(y), Values(memory.allocate<Bf16>(kCount))})
    launch_augment_images(
        {.spec = {.batch = 64, .height = 32, .width = 32}, .images = pixels, .params = params, .y = images},
        nullptr);
  const LinearSpec linear{.batch = kImages, .in_features = 1, .out_features = kClasses};
  launch_add_bias(linear, m, y, nullptr);
  launch_bias_gradient(linear, y, m, nullptr);
  launch_cross_entropy({.spec = {.batch = kImages, .classes = kClasses},
                        .logits = x,
                        .labels = labels,
                        .dlogits = y,
                        .sums = sums},
                       nullptr);
  launch_gradient_norm({.blocks = blocks,
                        .block_count = kBlocks,
                        .states = states,
                        .gradient = x,
                        .max_norm = 1.0f,
                        .norm = norm},
                       workspace, nullptr);
  launch_sgd_step({.spec = {},
                   .blocks = blocks,
                   .block_count = kBlocks,
                   .states = states,
                   .gradient = x,
                   .momentum = m,
                   .weights = y},
                  nullptr);
  CHECK(launches.count() == 8);
}

}  // namespace rlnas::test
