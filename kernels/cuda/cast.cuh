// float <-> bfloat16 over flat arrays.
//
// Launch: 256 threads, 8 elements a thread, so that both sides move whole 16-byte words (two of float, one
// of bfloat16); the ragged end one by one.
//
// Bytes: 6 an element.
//
// Expected: 85-90 % of memory bandwidth on A100 and H100, by arithmetic, not measured.
//
// Determinism: no sums; bit-equal.
#pragma once

#include "kernels/cuda/flat.cuh"

namespace rlnas {

inline constexpr int kCastWidth = 8;

// x [count] -> y [count]; wide only when both pointers are multiples of 16 bytes
template <class From, class To, int Width>
__device__ __forceinline__ void cast_values(std::int64_t count, const From* x, To* y) {
  visit_flat<Width>(count, [&](std::int64_t at, auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    store_pack<kWidth>(y + at, load_pack<kWidth>(x + at));
  });
}

template <int Width>
__global__ void __launch_bounds__(kFlatThreads) to_bf16_kernel(std::int64_t count, const float* x, Bf16* y) {
  cast_values<float, Bf16, Width>(count, x, y);
}

template <int Width>
__global__ void __launch_bounds__(kFlatThreads) to_float_kernel(std::int64_t count, const Bf16* x, float* y) {
  cast_values<Bf16, float, Width>(count, x, y);
}

inline void launch_to_bf16(std::size_t count, const float* x, Bf16* y, GpuStream stream) {
  if (count == 0) return;
  const bool wide = vector_aligned({x, y});
  launch("to_bf16_kernel", wide ? to_bf16_kernel<kCastWidth> : to_bf16_kernel<1>,
         flat_shape("to_bf16_kernel", count, wide ? kCastWidth : 1)
             .costing({float_bytes(count), count * sizeof(Bf16)}),
         stream, std::int64_t(count), x, y);
}

inline void launch_to_float(std::size_t count, const Bf16* x, float* y, GpuStream stream) {
  if (count == 0) return;
  const bool wide = vector_aligned({x, y});
  launch("to_float_kernel", wide ? to_float_kernel<kCastWidth> : to_float_kernel<1>,
         flat_shape("to_float_kernel", count, wide ? kCastWidth : 1)
             .costing({count * sizeof(Bf16), float_bytes(count)}),
         stream, std::int64_t(count), x, y);
}

}  // namespace rlnas
