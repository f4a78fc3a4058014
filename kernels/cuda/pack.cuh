// Width floats that lie side by side, read and written as one transaction: 16 bytes a thread (Width 4) is
// what it takes for a warp to move 512 bytes with one instruction; Width 1 is for shapes and pointers that
// are not multiples of that. Kernels are templates on Width, and the launcher picks by width_for.
#pragma once

#include <gpu_runtime.cuh>
#include <initializer_list>
#include <type_traits>

#include "rlnas/spec.hpp"

namespace rlnas {

inline constexpr int kVectorWidth = 4;
inline constexpr std::size_t kVectorBytes = 16;

template <int Width>
struct Pack {
  float value[Width];
};

// Through the read-only path: nobody may write these floats while the kernel runs.
template <int Width>
__device__ __forceinline__ Pack<Width> load_pack(const float* from) {
  if constexpr (Width == kVectorWidth) {
    const float4 v = __ldg(reinterpret_cast<const float4*>(from));
    return {{v.x, v.y, v.z, v.w}};
  } else {
    return {{__ldg(from)}};
  }
}

// The same for floats that this kernel also writes.
template <int Width>
__device__ __forceinline__ Pack<Width> reload_pack(const float* from) {
  if constexpr (Width == kVectorWidth) {
    const float4 v = *reinterpret_cast<const float4*>(from);
    return {{v.x, v.y, v.z, v.w}};
  } else {
    return {{*from}};
  }
}

template <int Width>
__device__ __forceinline__ void store_pack(float* to, const Pack<Width>& pack) {
  if constexpr (Width == kVectorWidth)
    *reinterpret_cast<float4*>(to) = make_float4(pack.value[0], pack.value[1], pack.value[2], pack.value[3]);
  else
    *to = pack.value[0];
}

// Adds what is there first, when the store mode says so.
template <int Width>
__device__ __forceinline__ void store_pack(float* to, Pack<Width> pack, Store store) {
  if (store == Store::accumulate) {
    const Pack<Width> before = reload_pack<Width>(to);
    for (int i = 0; i < Width; ++i) pack.value[i] = before.value[i] + pack.value[i];
  }
  store_pack<Width>(to, pack);
}

// ---- on the host ----
inline bool vector_aligned(std::initializer_list<const void*> pointers) {
  for (const void* const pointer : pointers)
    if (reinterpret_cast<std::uintptr_t>(pointer) % kVectorBytes != 0) return false;
  return true;
}

// For rows of `channels` floats that begin at these pointers (null ones do not matter).
inline int width_for(int channels, std::initializer_list<const void*> pointers) {
  return channels % kVectorWidth == 0 && vector_aligned(pointers) ? kVectorWidth : 1;
}

// For flat arrays, whose ragged end kernels take one by one.
inline int flat_width(std::initializer_list<const void*> pointers) {
  return vector_aligned(pointers) ? kVectorWidth : 1;
}

// Calls body(constant) with the width as a compile-time constant.
template <class Body>
void with_width(int width, const Body& body) {
  if (width == kVectorWidth)
    body(std::integral_constant<int, kVectorWidth>{});
  else
    body(std::integral_constant<int, 1>{});
}

}  // namespace rlnas
