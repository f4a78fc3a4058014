// Depthwise convolution, channels last: forward, gradient of the data, gradient of the weights.
//
// Forward and data gradient are one kernel: every thread makes kPixels pixels of its group of channels,
// pixel by pixel a whole row tile apart, and takes each filter tap from shared memory once for all of them.
// Without that the load units, not memory, would be the limit: a tap costs 4 + kPixels loads for 4 * kPixels
// multiply-adds. The weights' gradient keeps the kernel^2 sums of one channel in registers over a run of
// pixels, adds up the threads of a block and then the blocks by fixed trees in double.
//
// Launch: MatrixTiling (at most 32 groups of 4 channels: 7x7 filters of 128 channels are 25 KB of shared
// memory).
//
// Bytes: 4(in + out) compulsory, backwards 4 more for an activation's output and for what is added to;
// kernel^2 reads of a pixel meet in the caches. Flops: 2*kernel^2 an output.
//
// Expected share of memory bandwidth on A100 and H100 by arithmetic, not measured: 80 % for 3x3, 70 % for
// 5x5 and 7x7 (forward and data), 60 %, 45 % and 35 % for the weights (one 4-byte load a tap: the load
// units' limit).
//
// Determinism: no atomics; bit-equal from run to run.
#pragma once

#include "kernels/cuda/depthwise.h"
#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/tiling.cuh"
#include "kernels/spec_checks.h"

namespace rlnas {

inline constexpr int kPixels = 4;  // of one thread
inline constexpr int kMaxFilterColumns = 32;
inline constexpr int kDepthwiseBlocks = 2;  // of a multiprocessor, at least: 128 registers a thread

// Where tap `tap` of a pixel's row (or column) reads: a row of x for an output row, or of dy for an input
// row; -1 where it reads nothing. `start` is row*stride - padding forwards and row + padding backwards.
template <ConvPass kPass>
__device__ __forceinline__ int tap_source(const ConvSpec& spec, int start, int tap, int size) {
  if constexpr (kPass == ConvPass::forward) {
    const int at = start + tap * spec.dilation;
    return at >= 0 && at < size ? at : -1;
  } else {
    const int at = start - tap * spec.dilation;  // times the stride, which is 1 or 2
    if (at < 0 || (at & (spec.stride - 1)) != 0) return -1;
    return at >> (spec.stride - 1) < size ? at >> (spec.stride - 1) : -1;
  }
}

// The pixels [pixels,C] that a pass makes: written, or backwards passed by an activation, whose output is not
// null then, and written or added.
struct DepthwiseTarget {
  float* to;
  const float* activated;
  ActivationBounds bounds;
  Store store;
};

// from [N,h,w,C] -> target: x -> y forwards, dy -> dx backwards; w [C,1,R,S]
template <ConvPass kPass, int kKernel, int Width>
__global__ void __launch_bounds__(kTileThreads, kDepthwiseBlocks)
    depthwise_kernel(ConvSpec spec, std::int64_t pixels, const float* from, const float* w,
                     DepthwiseTarget target) {
  constexpr int kTaps = kKernel * kKernel, kTile = kMaxFilterColumns * Width;
  RLNAS_SHARED(float, filters, kTaps* kTile);  // [tap][channel of the tile]
  const bool forward = kPass == ConvPass::forward;
  const int channels = spec.in_channels, tile = int(blockDim.x) * Width, first = int(blockIdx.y) * tile;
  const int staged = (first + tile <= channels ? tile : channels - first) * kTaps;
  for (int i = int(threadIdx.y * blockDim.x + threadIdx.x); i < staged; i += int(blockDim.x * blockDim.y))
    filters[i % kTaps * kTile + i / kTaps] = __ldg(w + std::int64_t(first) * kTaps + i);
  __syncthreads();
  const int c = tile_channel<Width>();
  if (c >= channels) return;

  const int height = forward ? spec.out_height() : spec.in_height;
  const int width = forward ? spec.out_width() : spec.in_width;
  const int from_height = forward ? spec.in_height : spec.out_height();
  const int from_width = forward ? spec.in_width : spec.out_width();
  const std::int64_t begin = std::int64_t(blockIdx.x) * blockDim.y * kPixels + threadIdx.y;
  Pack<Width> sums[kPixels] = {};
  int rows[kPixels], columns[kPixels];
  const float* images[kPixels];
  RLNAS_UNROLL
  for (int j = 0; j < kPixels; ++j) {
    const std::int64_t m = begin + std::int64_t(j) * blockDim.y, line = m / width;
    const int row = int(line % height), column = int(m - line * width);
    rows[j] = forward ? row * spec.stride - spec.padding : row + spec.padding;
    columns[j] = forward ? column * spec.stride - spec.padding : column + spec.padding;
    images[j] = m < pixels ? from + line / height * from_height * from_width * channels + c : nullptr;
  }
  for (int r = 0; r < kKernel; ++r) {
    for (int s = 0; s < kKernel; ++s) {
      Pack<Width> filter;
      RLNAS_UNROLL
      for (int i = 0; i < Width; ++i)
        filter.value[i] = filters[(r * kKernel + s) * kTile + int(threadIdx.x) * Width + i];
      RLNAS_UNROLL
      for (int j = 0; j < kPixels; ++j) {
        const int h = tap_source<kPass>(spec, rows[j], r, from_height);
        const int v = tap_source<kPass>(spec, columns[j], s, from_width);
        if (h < 0 || v < 0 || images[j] == nullptr) continue;
        const Pack<Width> value = load_pack<Width>(images[j] + (std::int64_t(h) * from_width + v) * channels);
        RLNAS_UNROLL
        for (int i = 0; i < Width; ++i)
          sums[j].value[i] = fmaf(value.value[i], filter.value[i], sums[j].value[i]);
      }
    }
  }
  RLNAS_UNROLL
  for (int j = 0; j < kPixels; ++j) {
    if (images[j] == nullptr) continue;
    const std::int64_t at = (begin + std::int64_t(j) * blockDim.y) * channels + c;
    if constexpr (kPass == ConvPass::forward) {
      store_pack<Width>(target.to + at, sums[j]);
    } else {
      if (target.activated != nullptr)
        sums[j] = passed_on(load_pack<Width>(target.activated + at), sums[j], target.bounds);
      store_pack<Width>(target.to + at, sums[j], target.store);
    }
  }
}

// x [N,H,W,C], dy [pixels = N*P*Q, C] -> partials [block x][C,R,S]
template <int kKernel>
__global__ void __launch_bounds__(kTileThreads, kDepthwiseBlocks)
    depthwise_weights_kernel(ConvSpec spec, std::int64_t pixels, int pixels_per_thread, const float* x,
                             const float* dy, double* partials) {
  constexpr int kTaps = kKernel * kKernel;
  RLNAS_SHARED(double, scratch, kKernel* kTileThreads);
  const int channels = spec.in_channels, c = tile_channel<1>();
  const int height = spec.out_height(), width = spec.out_width();
  float sums[kTaps] = {};
  const std::int64_t begin = std::int64_t(blockIdx.x) * blockDim.y * pixels_per_thread + threadIdx.y;
  for (int j = 0; j < pixels_per_thread; ++j) {
    const std::int64_t m = begin + std::int64_t(j) * blockDim.y, line = m / width;
    if (m >= pixels || c >= channels) break;
    const float gradient = __ldg(dy + m * channels + c);
    const int row = int(line % height) * spec.stride - spec.padding;
    const int column = int(m - line * width) * spec.stride - spec.padding;
    const float* const image = x + line / height * spec.in_height * spec.in_width * channels + c;
    RLNAS_UNROLL
    for (int r = 0; r < kKernel; ++r) {
      const int h = tap_source<ConvPass::forward>(spec, row, r, spec.in_height);
      if (h < 0) continue;
      RLNAS_UNROLL
      for (int s = 0; s < kKernel; ++s) {
        const int v = tap_source<ConvPass::forward>(spec, column, s, spec.in_width);
        if (v < 0) continue;
        const float value = __ldg(image + (std::int64_t(h) * spec.in_width + v) * channels);
        sums[r * kKernel + s] = fmaf(value, gradient, sums[r * kKernel + s]);
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
// How the weights' gradient is cut: at most kMaxBlocks partial results, whatever the batch.
struct DepthwiseChunks {
  static constexpr int kMaxBlocks = 256;
  std::int64_t pixels;
  int pixels_per_thread, blocks;

  explicit DepthwiseChunks(const ConvSpec& spec)
      : pixels(std::int64_t(spec.batch) * spec.out_height() * spec.out_width()) {
    const int rows = MatrixTiling(spec.in_channels, 1).rows;
    pixels_per_thread = std::max(kPixels, int(ceil_div(pixels, std::int64_t(kMaxBlocks) * rows)));
    blocks = int(ceil_div(pixels, std::int64_t(pixels_per_thread) * rows));
  }
};

// Calls body(constant kernel size). Errors: run_failed when the spec is none of ours.
template <class Body>
void with_kernel_size(const ConvSpec& spec, const Body& body) {
  check_spec(spec);
  RLNAS_CHECK(is_depthwise(spec), run_failed, "depthwise convolution: kernel ", spec.kernel, ", stride ",
              spec.stride, ", ", spec.in_channels, " -> ", spec.out_channels, " channels in ", spec.groups,
              " groups has no kernel here");
  switch (spec.kernel) {
    case 3:
      return body(std::integral_constant<int, 3>{});
    case 5:
      return body(std::integral_constant<int, 5>{});
    default:
      return body(std::integral_constant<int, 7>{});
  }
}

// Forwards from x to y, or backwards from dy to the gradient of x; forwards y stands for dx.
template <ConvPass kPass>
void launch_depthwise(const ConvSpec& spec, const float* from, const float* w, const DepthwiseGradient& to,
                      GpuStream stream) {
  const bool forward = kPass == ConvPass::forward;
  const std::int64_t pixels = forward ? std::int64_t(spec.batch) * spec.out_height() * spec.out_width()
                                      : std::int64_t(spec.batch) * spec.in_height * spec.in_width;
  const DepthwiseTarget target{to.dx, to.activation == Activation::none ? nullptr : to.activated,
                               bounds_of(to.activation), to.store};
  const std::size_t from_count = forward ? spec.in_count() : spec.out_count();
  const std::size_t to_count = forward ? spec.out_count() : spec.in_count();
  // An activation's output, and what is added to, are read beside it.
  const std::size_t also_read =
      (target.activated != nullptr ? to_count : 0) + (to.store == Store::accumulate ? to_count : 0);
  with_kernel_size(spec, [&](auto kernel) {
    with_width(width_for(spec.in_channels, {from, target.to, target.activated}), [&](auto width) {
      constexpr int kKernel = decltype(kernel)::value, kWidth = decltype(width)::value;
      const MatrixTiling tiling(spec.in_channels, kWidth, kMaxFilterColumns);
      launch("depthwise_kernel", depthwise_kernel<kPass, kKernel, kWidth>,
             tiling.shape("depthwise_kernel", pixels, std::int64_t(tiling.rows) * kPixels, Cooperation::block)
                 .costing({float_bytes(from_count + spec.weight_count() + also_read), float_bytes(to_count),
                           2 * spec.macs()}),
             stream, spec, pixels, from, w, target);
    });
  });
}

inline void launch_depthwise_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                                     Workspace workspace, GpuStream stream) {
  check_workspace("depthwise convolution", workspace,
                  depthwise_workspace_bytes(spec, ConvPass::backward_weights));
  const DepthwiseChunks chunks(spec);
  double* const partials = static_cast<double*>(workspace.data);
  const MatrixTiling tiling(spec.in_channels, 1);
  const std::size_t partial_count = std::size_t(chunks.blocks) * spec.weight_count();
  with_kernel_size(spec, [&](auto kernel) {
    constexpr const char* kName = "depthwise_weights_kernel";
    launch(kName, depthwise_weights_kernel<decltype(kernel)::value>,
           tiling
               .shape(kName, chunks.pixels, std::int64_t(tiling.rows) * chunks.pixels_per_thread,
                      Cooperation::block)
               .costing({float_bytes(spec.in_count() + spec.out_count()), double_bytes(partial_count),
                         2 * spec.macs()}),
           stream, spec, chunks.pixels, chunks.pixels_per_thread, x, dy, partials);
  });
  const int weights = int(spec.weight_count());
  launch("sum_rows_kernel", sum_rows_kernel,
         MatrixTiling(weights, 1)
             .shape("sum_rows_kernel", 1, 1, Cooperation::block)
             .costing({double_bytes(partial_count), float_bytes(spec.weight_count()), partial_count}),
         stream, chunks.blocks, weights, partials, dw);
}

}  // namespace rlnas
