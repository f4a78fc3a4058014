// Gradient of a depthwise convolution's weights, channels last.
//
// A thread keeps the kernel^2 sums of one channel in registers over its strips of pixels (strips.cuh); those
// of a block and then of all blocks are added up by fixed trees in double. A norm and its activation are
// applied to what is loaded.
//
// Launch: MatrixTiling of single channels, 256 threads, at most 256 blocks a tile of channels.
//
// Bytes: 4(in + out) compulsory, half in bf16; reads of a pixel by other rows of the filter meet in the
// caches. Flops: 2*kernel^2 an output.
//
// Expected share of memory bandwidth on A100 and H100 by arithmetic, not measured, of floats: 60 % for 3x3,
// 50 % for 5x5, 40 % for 7x7 (4-byte loads).
//
// Determinism: no atomics; bit-equal from run to run.
#pragma once

#include "kernels/cuda/depthwise_windows.cuh"
#include "kernels/cuda/reduce.cuh"

namespace rlnas {

// source [N,H,W,C], dy [N,P,Q,C] -> partials [block x][C,R,S]
template <class E, int kKernel, bool kStrided>
__global__ void __launch_bounds__(kTileThreads, kDepthwiseBlocks)
    depthwise_weights_kernel(ConvSpec spec, Strips strips, int strips_per_block, DepthwiseSource<E> source,
                             const E* dy, double* partials) {
  using Windows = StripWindows<ConvPass::forward, kKernel, kStrided>;
  constexpr int kTaps = kKernel * kKernel;
  RLNAS_SHARED(double, scratch, kKernel* kTileThreads);
  const int channels = spec.in_channels, c = tile_channel<1>(), inside = c < channels ? c : 0;
  const bool norms = source.scale != nullptr;
  const float scale = norms ? __ldg(source.scale + inside) : 1.0f;
  const float shift = norms ? __ldg(source.shift + inside) : 0.0f;
  float sums[kTaps] = {};
  const int begin = int(blockIdx.x) * strips_per_block;
  const int end = begin + strips_per_block < strips.count ? begin + strips_per_block : strips.count;
  for (int strip = begin + int(threadIdx.y); strip < end && c < channels; strip += int(blockDim.y)) {
    const StripPlace place = place_of(strips, strip);
    const Windows windows(spec, place.column);
    const int start = place.row * spec.stride - spec.padding;
    const std::int64_t pixel =
        (std::int64_t(place.image) * strips.height + place.row) * strips.width + place.column;
    float gradients[kStrip];
    RLNAS_UNROLL
    for (int j = 0; j < kStrip; ++j)
      gradients[j] = place.column + j * strips.step < strips.width
                         ? load_value(dy + (pixel + std::int64_t(j) * strips.step) * channels + c)
                         : 0.0f;
    const E* const image =
        source.from + std::int64_t(place.image) * spec.in_height * spec.in_width * channels + c;
    RLNAS_UNROLL
    for (int r = 0; r < kKernel; ++r) {
      const int h = tap_source<ConvPass::forward>(spec, start, r, spec.in_height);
      if (h < 0) continue;
      const E* const line = image + std::int64_t(h) * spec.in_width * channels;
      RLNAS_UNROLL
      for (int i = 0; i < Windows::kReach; ++i) {
        const int v = windows.first + i * strips.source_step;
        if (v < 0 || v >= spec.in_width) continue;
        float value = load_value(line + std::int64_t(v) * channels);
        if (norms) value = clamp(fmaf(scale, value, shift), source.bounds);
        RLNAS_UNROLL
        for (int j = 0; j < kStrip; ++j) {
          const int s = i - j * Windows::kApart;
          if (s < 0 || s >= kKernel) continue;
          sums[r * kKernel + s] = fmaf(value, gradients[j], sums[r * kKernel + s]);
        }
      }
    }
  }
  double* const out = partials + (std::int64_t(blockIdx.x) * channels + c) * kTaps;
  RLNAS_UNROLL
  for (int r = 0; r < kKernel; ++r) {
    double row[kKernel];
    RLNAS_UNROLL
    for (int s = 0; s < kKernel; ++s) row[s] = double(sums[r * kKernel + s]);
    column_sums(row, scratch);
    if (threadIdx.y != 0 || c >= channels) continue;
    RLNAS_UNROLL
    for (int s = 0; s < kKernel; ++s) out[r * kKernel + s] = row[s];
  }
}

// partials [rows][columns] -> sums [columns]
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    sum_rows_kernel(int rows, int columns, const double* partials, float* sums) {
  RLNAS_SHARED(double, scratch, kTileThreads);
  const int column = tile_channel<1>();
  double total[1] = {};
  if (column < columns)
    for (int row = int(threadIdx.y); row < rows; row += int(blockDim.y))
      total[0] += partials[std::int64_t(row) * columns + column];
  column_sums(total, scratch);
  if (threadIdx.y == 0 && column < columns) sums[column] = float(total[0]);
}

// ---- on the host ----
inline std::size_t depthwise_partials_bytes(const ConvSpec& spec) {
  check_spec(spec);
  const StripChunks chunks(Strips(spec, Direction::forward), MatrixTiling(spec.in_channels, 1),
                           StripChunks::kMostWeights);
  return std::size_t(chunks.blocks) * spec.weight_count() * sizeof(double);
}

inline void launch_depthwise_weights(const ConvSpec& spec, const DepthwiseInput& input, ConstValues dy,
                                     float* dw, Workspace workspace, GpuStream stream) {
  check_workspace("depthwise convolution", workspace, depthwise_weights_workspace_bytes(spec));
  const Strips strips(spec, Direction::forward);
  const MatrixTiling tiling(spec.in_channels, 1);
  const StripChunks chunks(strips, tiling, StripChunks::kMostWeights);
  double* const partials = static_cast<double*>(workspace.data);
  const std::size_t partial_count = std::size_t(chunks.blocks) * spec.weight_count();
  const std::size_t norm_count = input.norm.scale != nullptr ? 2 * std::size_t(spec.in_channels) : 0;
  with_filter(spec, [&](auto kernel, auto strided) {
    with_element(dy.element(), [&](auto zero) {
      using E = decltype(zero);
      constexpr const char* kName = "depthwise_weights_kernel";
      launch(kName, depthwise_weights_kernel<E, decltype(kernel)::value, decltype(strided)::value>,
             tiling.shape(kName, strips.count, chunks.strips_per_block, Cooperation::block)
                 .costing({value_bytes<E>(spec.in_count() + spec.out_count()) + float_bytes(norm_count),
                           double_bytes(partial_count), 2 * spec.macs()}),
             stream, spec, strips, chunks.strips_per_block, source_of<E>(input), dy.template as<E>(),
             partials);
    });
  });
  const int weights = int(spec.weight_count());
  launch("sum_rows_kernel", sum_rows_kernel,
         MatrixTiling(weights, 1)
             .shape("sum_rows_kernel", 1, 1, Cooperation::block)
             .costing({double_bytes(partial_count), float_bytes(spec.weight_count()), partial_count}),
         stream, chunks.blocks, weights, partials, dw);
}

}  // namespace rlnas
