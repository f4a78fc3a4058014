// Element-wise kernels: batch-norm apply + node sum + activation in one pass, its gradient, add, fill.
//
// Launch: 256 threads, 16 bytes of each operand a thread (4 floats or 8 of bf16), one pass and no loop, for
// nothing is reused: what counts is that the 1024 (affine_sum: 52 registers) to 2048 threads of a
// multiprocessor have 16 to 32 KiB of each operand in flight, where latency times bandwidth asks for 15 KiB
// in all on an H100 (3.35 TB/s * 600 ns / 132) and 9 KiB on an A100 (1.6 TB/s * 600 ns / 108). Affine sums
// take one group of channels of a row a thread (MatrixTiling), so that scale and shift come from the
// first-level cache.
//
// Bytes, half of them in bf16: affine_sum 4(T + outputs) an element for T terms, activation_backward 12 (16
// when it accumulates), add 12 (8 when it overwrites), fill 4. Flops: 2 a term; an averaged term 9, of which
// 8 of the 9 reads hit a cache.
//
// Expected: 85-90 % of memory bandwidth on A100 and H100, by arithmetic, not measured.
//
// Determinism: no sums across threads; bit-equal from run to run.
#pragma once

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/flat.cuh"
#include "kernels/cuda/tiling.cuh"
#include "kernels/spec_checks.h"

namespace rlnas {

// Adds the mean over the 3x3 pixels around row m that lie inside the image.
template <int Width, class E>
__device__ __forceinline__ void add_average(const AffineSumSpec& spec, const E* x, std::int64_t m, int c,
                                            Pack<Width>& total) {
  const int w = int(m % spec.width), h = int(m / spec.width % spec.height);
  Pack<Width> sum{};
  int pixels = 0;
  for (int dh = -1; dh <= 1; ++dh) {
    for (int dw = -1; dw <= 1; ++dw) {
      if (h + dh < 0 || h + dh >= spec.height || w + dw < 0 || w + dw >= spec.width) continue;
      const Pack<Width> value =
          load_pack<Width>(x + (m + std::int64_t(dh) * spec.width + dw) * spec.channels + c);
      for (int i = 0; i < Width; ++i) sum.value[i] += value.value[i];
      ++pixels;
    }
  }
  for (int i = 0; i < Width; ++i) total.value[i] += sum.value[i] / float(pixels);
}

// spec.terms: [M,C] each -> sum, activated [M,C], each unless null
template <class E, int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    affine_sum_kernel(AffineSumSpec spec, ActivationBounds bounds, E* sum, E* activated) {
  const std::int64_t m = tile_row();
  const int c = tile_channel<Width>();
  if (m >= spec.rows || c >= spec.channels) return;
  const std::int64_t at = m * spec.channels + c;
  Pack<Width> total{};
  for (int t = 0; t < spec.term_count; ++t) {
    const AffineTerm& term = spec.terms[std::size_t(t)];
    const E* const source = static_cast<const E*>(term.x.data());
    if (term.averaged) {
      add_average<Width>(spec, source, m, c, total);
      continue;
    }
    const Pack<Width> x = load_pack<Width>(source + at);
    if (term.scale == nullptr) {
      for (int i = 0; i < Width; ++i) total.value[i] += x.value[i];
      continue;
    }
    for (int i = 0; i < Width; ++i)
      total.value[i] += fmaf(__ldg(term.scale + c + i), x.value[i], __ldg(term.shift + c + i));
  }
  if (sum != nullptr) store_pack<Width>(sum + at, total);
  if (activated == nullptr) return;
  for (int i = 0; i < Width; ++i) total.value[i] = clamp(total.value[i], bounds);
  store_pack<Width>(activated + at, total);
}

// Averaged terms read each pixel of their image once.
template <class E>
KernelCost affine_sum_cost(const AffineSum& call) {
  const AffineSumSpec& spec = call.spec;
  const std::size_t count = std::size_t(spec.rows) * std::size_t(spec.channels);
  const std::size_t outputs = (call.sum != nullptr ? 1 : 0) + (call.activated != nullptr ? 1 : 0);
  std::uint64_t flops = 0;
  for (int t = 0; t < spec.term_count; ++t) flops += spec.terms[std::size_t(t)].averaged ? 10 : 3;
  return {value_bytes<E>(count * std::size_t(spec.term_count)), value_bytes<E>(count * outputs),
          flops * count};
}

inline void launch_affine_sum(const AffineSum& call, GpuStream stream) {
  const AffineSumSpec& spec = call.spec;
  check_spec(spec);
  const Element element = call.sum != nullptr ? call.sum.element() : call.activated.element();
  with_element(element, [&](auto zero) {
    using E = decltype(zero);
    E *const sum = call.sum.template as<E>(), *const activated = call.activated.template as<E>();
    int width = width_for(spec.channels, {sum, activated}, kVectorWidthOf<E>);
    for (int t = 0; t < spec.term_count; ++t)
      width = width_for(spec.channels, {spec.terms[std::size_t(t)].x.template as<E>()}, width);
    with_width<kVectorWidthOf<E>>(width, [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      const MatrixTiling tiling(spec.channels, kWidth);
      launch("affine_sum_kernel", affine_sum_kernel<E, kWidth>,
             tiling.shape("affine_sum_kernel", spec.rows, tiling.rows, Cooperation::independent)
                 .costing(affine_sum_cost<E>(call)),
             stream, spec, bounds_of(spec.activation), sum, activated);
    });
  });
}

// dx (+)= dy where low < activated < high; each [count]. dx may be dy.
template <class E, int Width>
__global__ void __launch_bounds__(kFlatThreads)
    activation_backward_kernel(std::int64_t count, ActivationBounds bounds, const E* activated, const E* dy,
                               E* dx, Store store) {
  visit_flat<Width>(count, [&](std::int64_t at, auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const Pack<kWidth> gradient =
        passed_on(load_pack<kWidth>(activated + at), reload_pack<kWidth>(dy + at), bounds);
    store_pack<kWidth>(dx + at, gradient, store);
  });
}

// y (+)= x; each [count]
template <class E, int Width>
__global__ void __launch_bounds__(kFlatThreads)
    add_kernel(std::int64_t count, const E* x, E* y, Store store) {
  visit_flat<Width>(count, [&](std::int64_t at, auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    store_pack<kWidth>(y + at, load_pack<kWidth>(x + at), store);
  });
}

inline void launch_add(const Add& call, GpuStream stream) {
  const std::size_t count = call.count;
  if (count == 0) return;
  with_flat_packs(call.y.element(), {call.x.data(), call.y.data()}, [&](auto zero, auto constant) {
    using E = decltype(zero);
    constexpr int kWidth = decltype(constant)::value;
    launch("add_kernel", add_kernel<E, kWidth>,
           flat_shape("add_kernel", count, kWidth)
               .costing(stored<E>(count, call.store) + KernelCost{value_bytes<E>(count)}),
           stream, std::int64_t(count), call.x.template as<E>(), call.y.template as<E>(), call.store);
  });
}

inline void launch_activation_backward(const ActivationBackward& call, GpuStream stream) {
  const std::size_t count = call.count;
  if (call.activation == Activation::none)
    return launch_add({.count = count, .x = call.dy, .y = call.dx, .store = call.store}, stream);
  if (count == 0) return;
  with_flat_packs(
      call.dx.element(), {call.activated.data(), call.dy.data(), call.dx.data()},
      [&](auto zero, auto constant) {
        using E = decltype(zero);
        constexpr int kWidth = decltype(constant)::value;
        launch("activation_backward_kernel", activation_backward_kernel<E, kWidth>,
               flat_shape("activation_backward_kernel", count, kWidth)
                   .costing(stored<E>(count, call.store) + KernelCost{2 * value_bytes<E>(count), 0, count}),
               stream, std::int64_t(count), bounds_of(call.activation), call.activated.template as<E>(),
               call.dy.template as<E>(), call.dx.template as<E>(), call.store);
      });
}

// y [count]
template <class E, int Width>
__global__ void __launch_bounds__(kFlatThreads) fill_kernel(std::int64_t count, float value, E* y) {
  visit_flat<Width>(count, [&](std::int64_t at, auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    Pack<kWidth> pack;
    for (int i = 0; i < kWidth; ++i) pack.value[i] = value;
    store_pack<kWidth>(y + at, pack);
  });
}

inline void launch_fill(const Fill& call, GpuStream stream) {
  const std::size_t count = call.count;
  if (count == 0) return;
  with_flat_packs(call.y.element(), {call.y.data()}, [&](auto zero, auto constant) {
    using E = decltype(zero);
    constexpr int kWidth = decltype(constant)::value;
    launch("fill_kernel", fill_kernel<E, kWidth>,
           flat_shape("fill_kernel", count, kWidth).costing({0, value_bytes<E>(count)}), stream,
           std::int64_t(count), call.value, call.y.template as<E>());
  });
}

// y [M,C] (+)= scale [M] * x [M,C]. y may be x. Width divides C, so that no thread's pack lies in two rows.
template <class E, int Width>
__global__ void __launch_bounds__(kFlatThreads)
    scale_rows_kernel(std::int64_t count, std::int64_t columns, const float* scale, const E* x, E* y,
                      Store store) {
  visit_flat<Width>(count, [&](std::int64_t at, auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    Pack<kWidth> pack = reload_pack<kWidth>(x + at);
    const float factor = scale[at / columns];
    for (int i = 0; i < kWidth; ++i) pack.value[i] *= factor;
    store_pack<kWidth>(y + at, pack, store);
  });
}

inline void launch_scale_rows(const ScaleRows& call, GpuStream stream) {
  const RowScaleSpec& spec = call.spec;
  check_spec(spec);
  const std::size_t count = spec.count();
  with_element(call.y.element(), [&](auto zero) {
    using E = decltype(zero);
    const E* const x = call.x.template as<E>();
    E* const y = call.y.template as<E>();
    constexpr int kMost = kVectorWidthOf<E>;
    with_width<kMost>(spec.columns % kMost == 0 ? flat_width({x, y}, kMost) : 1, [&](auto constant) {
      constexpr int kWidth = decltype(constant)::value;
      launch("scale_rows_kernel", scale_rows_kernel<E, kWidth>,
             flat_shape("scale_rows_kernel", count, kWidth)
                 .costing(stored<E>(count, call.store) + KernelCost{value_bytes<E>(count), 0, count}),
             stream, std::int64_t(count), spec.columns, call.scale, x, y, call.store);
    });
  });
}

}  // namespace rlnas
