// bfloat16 as storage: the upper half of a float, rounded to nearest even. Arithmetic is done in float.
// A type of our own, for both compilers of the kernels have to know it.
#pragma once

#include "kernels/cuda/pack.cuh"

namespace rlnas {

struct Bf16 {
  std::uint16_t bits;
};

__device__ __forceinline__ float to_float(float value) {
  return value;
}

__device__ __forceinline__ float to_float(Bf16 value) {
  return __uint_as_float(unsigned(value.bits) << 16);
}

__device__ __forceinline__ Bf16 to_bf16(float value) {
  const unsigned bits = __float_as_uint(value);
  constexpr unsigned kQuietNan = 0x40;  // else cutting a NaN could leave an infinity
  if (value != value) return {std::uint16_t((bits >> 16) | kQuietNan)};
  return {std::uint16_t((bits + 0x7FFF + (bits >> 16 & 1)) >> 16)};
}

// Sixteen bytes of either type, as floats.
__device__ __forceinline__ Pack<4> unpack(float4 v) {
  return {{v.x, v.y, v.z, v.w}};
}

__device__ __forceinline__ Pack<8> unpack(uint4 v) {
  const unsigned words[4] = {v.x, v.y, v.z, v.w};
  Pack<8> pack;
  for (int i = 0; i < 4; ++i) {
    pack.value[2 * i] = __uint_as_float(words[i] << 16);
    pack.value[2 * i + 1] = __uint_as_float(words[i] & 0xFFFF0000u);
  }
  return pack;
}

// The same from memory, through the read-only path.
template <class Element>
using VectorOf = std::conditional_t<std::is_same_v<Element, float>, float4, uint4>;

template <class Element>
__device__ __forceinline__ auto load_vector(const Element* from) {
  return unpack(__ldg(reinterpret_cast<const VectorOf<Element>*>(from)));
}

template <class Element>
__device__ __forceinline__ auto load_vector_once(const Element* from) {
  return unpack(load_once(reinterpret_cast<const VectorOf<Element>*>(from)));
}

}  // namespace rlnas
