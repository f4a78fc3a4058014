// bfloat16 as storage, on the device: values become floats as they are loaded, and are rounded to nearest
// even as they are stored. The type is our own (values.hpp), for both compilers of the kernels have to know
// it.
#pragma once

#include <gpu_runtime.cuh>

#include "rlnas/values.hpp"

namespace rlnas {

__device__ __forceinline__ float to_float(float value) {
  return value;
}

__device__ __forceinline__ float to_float(Bf16 value) {
  return float_of(value);
}

__device__ __forceinline__ Bf16 to_bf16(float value) {
  return bf16_of(value);
}

template <class E>
__device__ __forceinline__ E from_float(float value) {
  if constexpr (std::is_same_v<E, Bf16>)
    return to_bf16(value);
  else
    return value;
}

// Two neighbours, as a word of memory has them.
__device__ __forceinline__ void unpack_pair(unsigned word, float* values) {
  values[0] = __uint_as_float(word << 16);
  values[1] = __uint_as_float(word & 0xFFFF0000u);
}

__device__ __forceinline__ unsigned pair_of(const float* values) {
  return to_bf16(values[0]).bits | unsigned(to_bf16(values[1]).bits) << 16;
}

}  // namespace rlnas
