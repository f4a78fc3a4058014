// Pooling: average and maximum over square windows with their gradients, and the average over a whole image.
//
// Launch: each thread makes one output pixel's group of channels (MatrixTiling); the gradients gather, so
// that no two threads write one place and nothing needs an atomic. Whole images: one block an image and
// channel tile, threads y share its pixels, a fixed tree in double adds up.
//
// Bytes: 4(in + out) compulsory (2 in bf16), a byte an output more for maxima, whose index says which pixel
// won; overlapping windows meet in the caches. Flops: up to kernel^2 an output.
//
// Expected: 60-80 % of memory bandwidth for 3x3 on A100 and H100, by arithmetic, not measured (9 cached reads
// a result: 36 bytes of first-level traffic for 8 of memory, where the caches give 4 to 5 times the bandwidth
// of memory).
//
// Determinism: bit-equal from run to run.
#pragma once

#include <cfloat>

#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/tiling.cuh"
#include "kernels/spec_checks.h"

namespace rlnas {

struct Span {
  int begin, end;
};

// Rows (or columns) of the input inside the window of output row `out`.
__device__ __forceinline__ Span window_of(const PoolSpec& spec, int out, int in_size) {
  const int first = out * spec.stride - spec.padding;
  return {first < 0 ? 0 : first, first + spec.kernel < in_size ? first + spec.kernel : in_size};
}

// Output rows whose window covers input row `in`.
__device__ __forceinline__ Span windows_over(const PoolSpec& spec, int in, int out_size) {
  const int reach = in + spec.padding - spec.kernel + 1;  // of the first window, times stride
  const int last = (in + spec.padding) / spec.stride;
  return {reach <= 0 ? 0 : (reach + spec.stride - 1) / spec.stride,
          last + 1 < out_size ? last + 1 : out_size};
}

struct Pixel {
  int row, column;
  std::int64_t image;
};

__device__ __forceinline__ Pixel pixel_of(std::int64_t m, int height, int width) {
  const std::int64_t line = m / width;
  return {int(line % height), int(m - line * width), line / height};
}

// Calls visit(element of x, row, column) for the pixels of a window inside the image, in scan order.
template <class Visit>
__device__ __forceinline__ void visit_window(const PoolSpec& spec, const Pixel& out, int c,
                                             const Visit& visit) {
  const Span rows = window_of(spec, out.row, spec.in_height),
             columns = window_of(spec, out.column, spec.in_width);
  for (int h = rows.begin; h < rows.end; ++h)
    for (int w = columns.begin; w < columns.end; ++w)
      visit(((out.image * spec.in_height + h) * spec.in_width + w) * spec.channels + c, h, w);
}

// Calls visit(element of y, row, column) for the outputs whose window covers a pixel, in scan order.
template <class Visit>
__device__ __forceinline__ void visit_windows_over(const PoolSpec& spec, const Pixel& in, int c,
                                                   const Visit& visit) {
  const int height = spec.out_height(), width = spec.out_width();
  const Span rows = windows_over(spec, in.row, height), columns = windows_over(spec, in.column, width);
  for (int p = rows.begin; p < rows.end; ++p)
    for (int q = columns.begin; q < columns.end; ++q)
      visit(((in.image * height + p) * width + q) * spec.channels + c, p, q);
}

// x [N,H,W,C] -> y [N,P,Q,C]
template <class E, int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    avg_pool_forward_kernel(PoolSpec spec, std::int64_t outputs, const E* x, E* y) {
  const std::int64_t m = tile_row();
  const int c = tile_channel<Width>();
  if (m >= outputs || c >= spec.channels) return;
  Pack<Width> sum{};
  int count = 0;
  visit_window(spec, pixel_of(m, spec.out_height(), spec.out_width()), c, [&](std::int64_t at, int, int) {
    const Pack<Width> value = load_pack<Width>(x + at);
    for (int i = 0; i < Width; ++i) sum.value[i] += value.value[i];
    ++count;
  });
  for (int i = 0; i < Width; ++i) sum.value[i] /= float(count);
  store_pack<Width>(y + m * spec.channels + c, sum);
}

// dy [N,P,Q,C] -> dx [N,H,W,C]
template <class E, int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    avg_pool_backward_kernel(PoolSpec spec, std::int64_t inputs, const E* dy, E* dx, Store store) {
  const std::int64_t m = tile_row();
  const int c = tile_channel<Width>();
  if (m >= inputs || c >= spec.channels) return;
  Pack<Width> sum{};
  visit_windows_over(spec, pixel_of(m, spec.in_height, spec.in_width), c, [&](std::int64_t at, int p, int q) {
    const Span rows = window_of(spec, p, spec.in_height), columns = window_of(spec, q, spec.in_width);
    const float scale = 1.0f / float((rows.end - rows.begin) * (columns.end - columns.begin));
    const Pack<Width> gradient = load_pack<Width>(dy + at);
    for (int i = 0; i < Width; ++i) sum.value[i] = fmaf(gradient.value[i], scale, sum.value[i]);
  });
  store_pack<Width>(dx + m * spec.channels + c, sum, store);
}

// x [N,H,W,C] -> y, index [N,P,Q,C]; the first in scan order wins a tie, and NaN wins always, so that it is
// seen
template <class E, int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    max_pool_forward_kernel(PoolSpec spec, std::int64_t outputs, const E* x, E* y, std::uint8_t* index) {
  const std::int64_t m = tile_row();
  const int c = tile_channel<Width>();
  if (m >= outputs || c >= spec.channels) return;
  const Pixel out = pixel_of(m, spec.out_height(), spec.out_width());
  const int top = out.row * spec.stride - spec.padding, left = out.column * spec.stride - spec.padding;
  Pack<Width> best{};
  int winner[Width] = {};
  bool first = true;
  visit_window(spec, out, c, [&](std::int64_t at, int h, int w) {
    const Pack<Width> value = load_pack<Width>(x + at);
    const int position = (h - top) * spec.kernel + (w - left);
    for (int i = 0; i < Width; ++i) {
      const bool wins = first || value.value[i] > best.value[i] || value.value[i] != value.value[i];
      best.value[i] = wins ? value.value[i] : best.value[i];
      winner[i] = wins ? position : winner[i];
    }
    first = false;
  });
  const std::int64_t at = m * spec.channels + c;
  store_pack<Width>(y + at, best);
  for (int i = 0; i < Width; ++i) index[at + i] = std::uint8_t(winner[i]);
}

// index, dy [N,P,Q,C] -> dx [N,H,W,C]
template <class E, int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    max_pool_backward_kernel(PoolSpec spec, std::int64_t inputs, const std::uint8_t* index, const E* dy,
                             E* dx, Store store) {
  const std::int64_t m = tile_row();
  const int c = tile_channel<Width>();
  if (m >= inputs || c >= spec.channels) return;
  const Pixel in = pixel_of(m, spec.in_height, spec.in_width);
  Pack<Width> sum{};
  visit_windows_over(spec, in, c, [&](std::int64_t at, int p, int q) {
    const int position =
        (in.row + spec.padding - p * spec.stride) * spec.kernel + in.column + spec.padding - q * spec.stride;
    const Pack<Width> gradient = load_pack<Width>(dy + at);
    for (int i = 0; i < Width; ++i) sum.value[i] += index[at + i] == position ? gradient.value[i] : 0.0f;
  });
  store_pack<Width>(dx + m * spec.channels + c, sum, store);
}

// Block x: image. x [N,pixels,C] -> y [N,C], floats
template <class E, int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    global_avg_pool_forward_kernel(int pixels, int channels, const E* x, float* y) {
  RLNAS_SHARED(double, scratch, Width* kTileThreads);
  const std::int64_t n = blockIdx.x;
  const int c = tile_channel<Width>();
  double sums[Width] = {};
  if (c < channels) {
    for (int m = int(threadIdx.y); m < pixels; m += int(blockDim.y)) {
      const Pack<Width> value = load_pack<Width>(x + (n * pixels + m) * channels + c);
      for (int i = 0; i < Width; ++i) sums[i] += double(value.value[i]);
    }
  }
  column_sums(sums, scratch);
  if (threadIdx.y != 0 || c >= channels) return;
  Pack<Width> mean;
  for (int i = 0; i < Width; ++i) mean.value[i] = float(sums[i] / pixels);
  store_pack<Width>(y + n * channels + c, mean);
}

// dy [N,C] -> dx [N,pixels,C]
template <class E, int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    global_avg_pool_backward_kernel(std::int64_t rows, int pixels, int channels, const float* dy, E* dx) {
  const std::int64_t m = tile_row();
  const int c = tile_channel<Width>();
  if (m >= rows || c >= channels) return;
  Pack<Width> value = load_pack<Width>(dy + m / pixels * channels + c);
  for (int i = 0; i < Width; ++i) value.value[i] /= float(pixels);
  store_pack<Width>(dx + m * channels + c, value);
}

// ---- on the host ----
inline std::int64_t out_pixels(const PoolSpec& spec) {
  return std::int64_t(spec.batch) * spec.out_height() * spec.out_width();
}

inline std::int64_t in_pixels(const PoolSpec& spec) {
  return std::int64_t(spec.batch) * spec.in_height * spec.in_width;
}

inline std::uint64_t window_flops(const PoolSpec& spec) {
  return std::uint64_t(spec.out_count()) * std::uint64_t(spec.kernel * spec.kernel);
}

inline void launch_avg_pool_forward(const AvgPoolForward& call, GpuStream stream) {
  const PoolSpec& spec = call.spec;
  check_spec(spec);
  constexpr const char* kName = "avg_pool_forward_kernel";
  for_pixels(kName, call.y.element(), out_pixels(spec), spec.channels, {call.x.data(), call.y.data()},
             [&](auto zero, auto width, const LaunchShape& shape) {
               using E = decltype(zero);
               launch(kName, avg_pool_forward_kernel<E, decltype(width)::value>,
                      shape.costing({value_bytes<E>(spec.in_count()), value_bytes<E>(spec.out_count()),
                                     window_flops(spec)}),
                      stream, spec, out_pixels(spec), call.x.template as<E>(), call.y.template as<E>());
             });
}

inline void launch_avg_pool_backward(const AvgPoolBackward& call, GpuStream stream) {
  const PoolSpec& spec = call.spec;
  check_spec(spec);
  constexpr const char* kName = "avg_pool_backward_kernel";
  for_pixels(kName, call.dx.element(), in_pixels(spec), spec.channels, {call.dy.data(), call.dx.data()},
             [&](auto zero, auto width, const LaunchShape& shape) {
               using E = decltype(zero);
               launch(kName, avg_pool_backward_kernel<E, decltype(width)::value>,
                      shape.costing(stored<E>(spec.in_count(), call.store) +
                                    KernelCost{value_bytes<E>(spec.out_count()), 0, 2 * window_flops(spec)}),
                      stream, spec, in_pixels(spec), call.dy.template as<E>(), call.dx.template as<E>(),
                      call.store);
             });
}

inline void launch_max_pool_forward(const MaxPoolForward& call, GpuStream stream) {
  const PoolSpec& spec = call.spec;
  check_spec(spec);
  constexpr const char* kName = "max_pool_forward_kernel";
  for_pixels(
      kName, call.y.element(), out_pixels(spec), spec.channels, {call.x.data(), call.y.data()},
      [&](auto zero, auto width, const LaunchShape& shape) {
        using E = decltype(zero);
        launch(kName, max_pool_forward_kernel<E, decltype(width)::value>,
               shape.costing({value_bytes<E>(spec.in_count()),
                              value_bytes<E>(spec.out_count()) + spec.out_count(), window_flops(spec)}),
               stream, spec, out_pixels(spec), call.x.template as<E>(), call.y.template as<E>(), call.index);
      });
}

inline void launch_max_pool_backward(const MaxPoolBackward& call, GpuStream stream) {
  const PoolSpec& spec = call.spec;
  check_spec(spec);
  constexpr const char* kName = "max_pool_backward_kernel";
  for_pixels(kName, call.dx.element(), in_pixels(spec), spec.channels, {call.dy.data(), call.dx.data()},
             [&](auto zero, auto width, const LaunchShape& shape) {
               using E = decltype(zero);
               launch(kName, max_pool_backward_kernel<E, decltype(width)::value>,
                      shape.costing(stored<E>(spec.in_count(), call.store) +
                                    KernelCost{value_bytes<E>(spec.out_count()) + spec.out_count(), 0,
                                               window_flops(spec)}),
                      stream, spec, in_pixels(spec), call.index, call.dy.template as<E>(),
                      call.dx.template as<E>(), call.store);
             });
}

inline void launch_global_avg_pool_forward(const GlobalAvgPoolForward& call, GpuStream stream) {
  const auto& [batch, pixels, channels, x, y] = call;
  RLNAS_CHECK(batch > 0 && pixels > 0 && channels > 0, run_failed, "global pooling: a size is not positive");
  const std::size_t pooled = std::size_t(batch) * std::size_t(channels);
  with_element(x.element(), [&](auto zero) {
    using E = decltype(zero);
    with_width(width_for(call.channels, {call.x.data(), call.y}), [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      constexpr const char* kName = "global_avg_pool_forward_kernel";
      launch(kName, global_avg_pool_forward_kernel<E, kWidth>,
             MatrixTiling(call.channels, kWidth)
                 .shape(kName, call.batch, 1, Cooperation::block)
                 .costing({value_bytes<E>(pooled * std::size_t(call.pixels)), float_bytes(pooled),
                           pooled * std::size_t(call.pixels)}),
             stream, call.pixels, call.channels, call.x.template as<E>(), call.y);
    });
  });
}

inline void launch_global_avg_pool_backward(const GlobalAvgPoolBackward& call, GpuStream stream) {
  const auto& [batch, pixels, channels, dy, dx] = call;
  RLNAS_CHECK(batch > 0 && pixels > 0 && channels > 0, run_failed, "global pooling: a size is not positive");
  const std::size_t pooled = std::size_t(batch) * std::size_t(channels);
  constexpr const char* kName = "global_avg_pool_backward_kernel";
  const std::int64_t rows = std::int64_t(batch) * pixels;
  for_pixels(kName, dx.element(), rows, channels, {dy, dx.data()},
             [&](auto zero, auto width, const LaunchShape& shape) {
               using E = decltype(zero);
               launch(kName, global_avg_pool_backward_kernel<E, decltype(width)::value>,
                      shape.costing(
                          {float_bytes(pooled), value_bytes<E>(pooled * std::size_t(call.pixels)), pooled}),
                      stream, rows, call.pixels, call.channels, call.dy, call.dx.template as<E>());
             });
}

}  // namespace rlnas
