// Copies of channel ranges and of every n-th pixel.
//
// Launch: one row of the smaller side and group of channels a thread (MatrixTiling), one pass; the gradient
// of subsampling walks the larger side when it has zeros to write.
//
// Bytes, half of them in bf16: 8 a value that is copied (shuffled ones too), 12 when it adds up;
// subsample_backward 4 more for each zero it writes.
//
// Expected: 80-90 % of memory bandwidth for ranges of 32 channels and more, by arithmetic, not measured
// (shorter ones leave part of each 128-byte line to the next call).
//
// Determinism: no sums across threads; bit-equal from run to run.
#pragma once

#include <algorithm>

#include "kernels/cuda/tiling.cuh"
#include "kernels/spec_checks.h"

namespace rlnas {

// x [M, from_stride] -> y [M, to_stride], the first `channels` of each row
template <class E, int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    copy_channels_kernel(ChannelCopySpec spec, const E* x, E* y, Store store) {
  const std::int64_t m = tile_row();
  const int c = tile_channel<Width>();
  if (m >= spec.rows || c >= spec.channels) return;
  store_pack<Width>(y + m * spec.to_stride + c, load_pack<Width>(x + m * spec.from_stride + c), store);
}

// x [M,C] -> y [M,C], a channel a thread: reads are whole lines, writes `groups` values apart.
template <class E>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    shuffle_channels_kernel(ChannelShuffleSpec spec, const E* x, E* y, Store store) {
  const std::int64_t m = tile_row();
  const int c = tile_channel<1>();
  if (m >= spec.rows || c >= spec.channels) return;
  const int per_group = spec.channels / spec.groups, g = c / per_group, i = c - g * per_group;
  store_pack<1>(y + m * spec.channels + i * spec.groups + g, load_pack<1>(x + m * spec.channels + c), store);
}

// Row of x that row m of y was picked from.
__device__ __forceinline__ std::int64_t picked_row(const SubsampleSpec& spec, std::int64_t m) {
  const int width = spec.out_width(), height = spec.out_height();
  const std::int64_t line = m / width, n = line / height;
  const std::int64_t h = spec.offset + (line - n * height) * spec.stride;
  return (n * spec.in_height + h) * spec.in_width + spec.offset + (m - line * width) * spec.stride;
}

// x [N,H,W,C] -> y [N,P,Q,C]
template <class E, int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    subsample_forward_kernel(SubsampleSpec spec, std::int64_t outputs, const E* x, E* y) {
  const std::int64_t m = tile_row();
  const int c = tile_channel<Width>();
  if (m >= outputs || c >= spec.channels) return;
  store_pack<Width>(y + m * spec.channels + c, load_pack<Width>(x + picked_row(spec, m) * spec.channels + c));
}

// dy [N,P,Q,C] -> dx [N,H,W,C], a row of dx a thread: what was not picked is zero
template <class E, int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    subsample_backward_kernel(SubsampleSpec spec, std::int64_t inputs, const E* dy, E* dx) {
  const std::int64_t m = tile_row();
  const int c = tile_channel<Width>();
  if (m >= inputs || c >= spec.channels) return;
  const std::int64_t line = m / spec.in_width, n = line / spec.in_height;
  const int h = int(line - n * spec.in_height) - spec.offset;
  const int w = int(m - line * spec.in_width) - spec.offset;
  Pack<Width> value{};
  if (h >= 0 && w >= 0 && h % spec.stride == 0 && w % spec.stride == 0) {
    const std::int64_t row = (n * spec.out_height() + h / spec.stride) * spec.out_width() + w / spec.stride;
    value = load_pack<Width>(dy + row * spec.channels + c);
  }
  store_pack<Width>(dx + m * spec.channels + c, value);
}

// The same added to dx, a row of dy a thread.
template <class E, int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    subsample_add_kernel(SubsampleSpec spec, std::int64_t outputs, const E* dy, E* dx) {
  const std::int64_t m = tile_row();
  const int c = tile_channel<Width>();
  if (m >= outputs || c >= spec.channels) return;
  store_pack<Width>(dx + picked_row(spec, m) * spec.channels + c,
                    load_pack<Width>(dy + m * spec.channels + c), Store::accumulate);
}

// ---- on the host ----
inline void launch_copy_channels(const CopyChannels& call, GpuStream stream) {
  const ChannelCopySpec& spec = call.spec;
  check_spec(spec);
  const std::size_t copied = std::size_t(spec.rows) * std::size_t(spec.channels);
  with_element(call.y.element(), [&](auto zero) {
    using E = decltype(zero);
    constexpr int kMost = kVectorWidthOf<E>;
    const E* const x = call.x.template as<E>();
    E* const y = call.y.template as<E>();
    const int width =
        std::min({width_for(spec.channels, {x, y}, kMost), width_for(spec.from_stride, {}, kMost),
                  width_for(spec.to_stride, {}, kMost)});
    with_width<kMost>(width, [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      constexpr const char* kName = "copy_channels_kernel";
      const MatrixTiling tiling(spec.channels, kWidth);
      launch(kName, copy_channels_kernel<E, kWidth>,
             tiling.shape(kName, spec.rows, tiling.rows, Cooperation::independent)
                 .costing(stored<E>(copied, call.store) + KernelCost{value_bytes<E>(copied)}),
             stream, spec, x, y, call.store);
    });
  });
}

inline void launch_shuffle_channels(const ShuffleChannels& call, GpuStream stream) {
  const ChannelShuffleSpec& spec = call.spec;
  check_spec(spec);
  constexpr const char* kName = "shuffle_channels_kernel";
  const MatrixTiling tiling(spec.channels, 1);
  with_element(call.y.element(), [&](auto zero) {
    using E = decltype(zero);
    launch(kName, shuffle_channels_kernel<E>,
           tiling.shape(kName, spec.rows, tiling.rows, Cooperation::independent)
               .costing(stored<E>(spec.count(), call.store) + KernelCost{value_bytes<E>(spec.count())}),
           stream, spec, call.x.template as<E>(), call.y.template as<E>(), call.store);
  });
}

inline void launch_subsample_forward(const SubsampleForward& call, GpuStream stream) {
  const SubsampleSpec& spec = call.spec;
  check_spec(spec);
  constexpr const char* kName = "subsample_forward_kernel";
  const std::int64_t outputs = std::int64_t(spec.batch) * spec.out_height() * spec.out_width();
  for_pixels(kName, call.y.element(), outputs, spec.channels, {call.x.data(), call.y.data()},
             [&](auto zero, auto width, const LaunchShape& shape) {
               using E = decltype(zero);
               launch(kName, subsample_forward_kernel<E, decltype(width)::value>,
                      shape.costing({value_bytes<E>(spec.out_count()), value_bytes<E>(spec.out_count())}),
                      stream, spec, outputs, call.x.template as<E>(), call.y.template as<E>());
             });
}

inline void launch_subsample_backward(const SubsampleBackward& call, GpuStream stream) {
  const SubsampleSpec& spec = call.spec;
  check_spec(spec);
  const std::initializer_list<const void*> pointers = {call.dy.data(), call.dx.data()};
  if (call.store == Store::accumulate) {
    constexpr const char* kName = "subsample_add_kernel";
    const std::int64_t outputs = std::int64_t(spec.batch) * spec.out_height() * spec.out_width();
    for_pixels(kName, call.dx.element(), outputs, spec.channels, pointers,
               [&](auto zero, auto width, const LaunchShape& shape) {
                 using E = decltype(zero);
                 launch(kName, subsample_add_kernel<E, decltype(width)::value>,
                        shape.costing(stored<E>(spec.out_count(), call.store) +
                                      KernelCost{value_bytes<E>(spec.out_count())}),
                        stream, spec, outputs, call.dy.template as<E>(), call.dx.template as<E>());
               });
    return;
  }
  constexpr const char* kName = "subsample_backward_kernel";
  const std::int64_t inputs = std::int64_t(spec.batch) * spec.in_height * spec.in_width;
  for_pixels(kName, call.dx.element(), inputs, spec.channels, pointers,
             [&](auto zero, auto width, const LaunchShape& shape) {
               using E = decltype(zero);
               launch(kName, subsample_backward_kernel<E, decltype(width)::value>,
                      shape.costing({value_bytes<E>(spec.out_count()), value_bytes<E>(spec.in_count())}),
                      stream, spec, inputs, call.dy.template as<E>(), call.dx.template as<E>());
             });
}

}  // namespace rlnas
