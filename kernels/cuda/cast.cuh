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

#include "kernels/cuda/bf16.cuh"
#include "kernels/cuda/flat.cuh"

namespace rlnas {

inline constexpr int kCastWidth = 8;

// x [count] -> y [count]; wide only when both pointers are multiples of 16 bytes
template <int Width>
__global__ void __launch_bounds__(kFlatThreads) to_bf16_kernel(std::int64_t count, const float* x, Bf16* y) {
  visit_flat<Width>(count, [&](std::int64_t at, auto constant) {
    if constexpr (decltype(constant)::value == kCastWidth) {
      const Pack<4> low = load_pack<4>(x + at), high = load_pack<4>(x + at + 4);
      unsigned words[4];
      for (int i = 0; i < 2; ++i) {
        words[i] = to_bf16(low.value[2 * i]).bits | unsigned(to_bf16(low.value[2 * i + 1]).bits) << 16;
        words[i + 2] = to_bf16(high.value[2 * i]).bits | unsigned(to_bf16(high.value[2 * i + 1]).bits) << 16;
      }
      *reinterpret_cast<uint4*>(y + at) = make_uint4(words[0], words[1], words[2], words[3]);
    } else {
      y[at] = to_bf16(x[at]);
    }
  });
}

template <int Width>
__global__ void __launch_bounds__(kFlatThreads) to_float_kernel(std::int64_t count, const Bf16* x, float* y) {
  visit_flat<Width>(count, [&](std::int64_t at, auto constant) {
    if constexpr (decltype(constant)::value == kCastWidth) {
      const Pack<kCastWidth> values = load_vector(x + at);
      for (int half = 0; half < 2; ++half) {
        Pack<4> pack;
        for (int i = 0; i < 4; ++i) pack.value[i] = values.value[4 * half + i];
        store_pack<4>(y + at + 4 * half, pack);
      }
    } else {
      y[at] = to_float(x[at]);
    }
  });
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
