// Width values that lie side by side, in registers as floats, read and written as one transaction: 16 bytes a
// thread (4 floats, 8 of bfloat16) is what it takes for a warp to move 512 bytes with one instruction; Width
// 1 is for shapes and pointers that are not multiples of that. Kernels are templates on the element in memory
// and on Width, and the launcher picks by with_packs.
#pragma once

#include <gpu_runtime.cuh>
#include <initializer_list>
#include <type_traits>

#include "kernels/cuda/bf16.cuh"
#include "rlnas/spec.hpp"

namespace rlnas {

inline constexpr std::size_t kVectorBytes = 16;
template <class E>
inline constexpr int kVectorWidthOf = int(kVectorBytes / sizeof(E));
inline constexpr int kVectorWidth = kVectorWidthOf<float>;

template <int Width>
struct Pack {
  float value[Width];
};

// How a pack lies in memory: kCount words, each as large as one load takes.
template <class E, int Width>
struct PackWords;
template <>
struct PackWords<float, 4> {
  using Word = float4;
  static constexpr int kCount = 1;
};
template <>
struct PackWords<float, 8> {
  using Word = float4;
  static constexpr int kCount = 2;
};
template <>
struct PackWords<Bf16, 4> {
  using Word = uint2;
  static constexpr int kCount = 1;
};
template <>
struct PackWords<Bf16, 8> {
  using Word = uint4;
  static constexpr int kCount = 1;
};

// Word `i` of a pack, out of memory and back.
template <int Width>
__device__ __forceinline__ void unpack(const float4& v, int i, Pack<Width>& pack) {
  pack.value[4 * i] = v.x;
  pack.value[4 * i + 1] = v.y;
  pack.value[4 * i + 2] = v.z;
  pack.value[4 * i + 3] = v.w;
}
__device__ __forceinline__ void unpack(const uint2& v, int, Pack<4>& pack) {
  unpack_pair(v.x, pack.value);
  unpack_pair(v.y, pack.value + 2);
}
__device__ __forceinline__ void unpack(const uint4& v, int, Pack<8>& pack) {
  unpack_pair(v.x, pack.value);
  unpack_pair(v.y, pack.value + 2);
  unpack_pair(v.z, pack.value + 4);
  unpack_pair(v.w, pack.value + 6);
}
template <int Width>
__device__ __forceinline__ void repack(const Pack<Width>& pack, int i, float4& v) {
  v = make_float4(pack.value[4 * i], pack.value[4 * i + 1], pack.value[4 * i + 2], pack.value[4 * i + 3]);
}
__device__ __forceinline__ void repack(const Pack<4>& pack, int, uint2& v) {
  v = make_uint2(pair_of(pack.value), pair_of(pack.value + 2));
}
__device__ __forceinline__ void repack(const Pack<8>& pack, int, uint4& v) {
  v = make_uint4(pair_of(pack.value), pair_of(pack.value + 2), pair_of(pack.value + 4),
                 pair_of(pack.value + 6));
}

// Calls load(address of a word or value) for each word of the pack.
template <int Width, class E, class Load>
__device__ __forceinline__ Pack<Width> load_words(const E* from, const Load& load) {
  if constexpr (Width == 1 && std::is_same_v<E, Bf16>) {
    return {{to_float(Bf16{load(&from->bits)})}};
  } else if constexpr (Width == 1) {
    return {{load(from)}};
  } else {
    using Words = PackWords<E, Width>;
    Pack<Width> pack;
    RLNAS_UNROLL
    for (int i = 0; i < Words::kCount; ++i)
      unpack(load(reinterpret_cast<const typename Words::Word*>(from) + i), i, pack);
    return pack;
  }
}

// Through the read-only path: nobody may write these values while the kernel runs.
template <int Width, class E>
__device__ __forceinline__ Pack<Width> load_pack(const E* from) {
  return load_words<Width>(from, [](const auto* word) { return __ldg(word); });
}

template <class E>
__device__ __forceinline__ float load_value(const E* from) {
  return load_pack<1>(from).value[0];
}

// The same for what nobody reads again.
template <int Width, class E>
__device__ __forceinline__ Pack<Width> load_pack_once(const E* from) {
  return load_words<Width>(from, [](const auto* word) { return load_once(word); });
}

// The same for values that this kernel also writes.
template <int Width, class E>
__device__ __forceinline__ Pack<Width> reload_pack(const E* from) {
  return load_words<Width>(from, [](const auto* word) { return *word; });
}

template <int Width, class E>
__device__ __forceinline__ void store_pack(E* to, const Pack<Width>& pack) {
  if constexpr (Width == 1) {
    *to = from_float<E>(pack.value[0]);
  } else {
    using Words = PackWords<E, Width>;
    RLNAS_UNROLL
    for (int i = 0; i < Words::kCount; ++i) repack(pack, i, reinterpret_cast<typename Words::Word*>(to)[i]);
  }
}

// Adds what is there first, when the store mode says so.
template <int Width, class E>
__device__ __forceinline__ void store_pack(E* to, Pack<Width> pack, Store store) {
  if (store == Store::accumulate) {
    const Pack<Width> before = reload_pack<Width>(to);
    for (int i = 0; i < Width; ++i) pack.value[i] = before.value[i] + pack.value[i];
  }
  store_pack<Width>(to, pack);
}

// What a reader of the stored values will see.
template <class E, int Width>
__device__ __forceinline__ Pack<Width> rounded(Pack<Width> pack) {
  for (int i = 0; i < Width; ++i) pack.value[i] = to_float(from_float<E>(pack.value[i]));
  return pack;
}

// ---- on the host ----
inline bool vector_aligned(std::initializer_list<const void*> pointers) {
  for (const void* const pointer : pointers)
    if (reinterpret_cast<std::uintptr_t>(pointer) % kVectorBytes != 0) return false;
  return true;
}

// For rows of `channels` values that begin at these pointers (null ones do not matter): at most `most`.
inline int width_for(int channels, std::initializer_list<const void*> pointers, int most = kVectorWidth) {
  if (!vector_aligned(pointers)) return 1;
  while (most > kVectorWidth && channels % most != 0) most /= 2;
  return channels % most == 0 ? most : 1;
}

// For flat arrays, whose ragged end kernels take one by one.
inline int flat_width(std::initializer_list<const void*> pointers, int most = kVectorWidth) {
  return vector_aligned(pointers) ? most : 1;
}

// Calls body(constant) with the width as a compile-time constant, one of 1, 4 and what is below Most.
template <int Most = kVectorWidth, class Body>
void with_width(int width, const Body& body) {
  if constexpr (Most > kVectorWidth)
    if (width == Most) return body(std::integral_constant<int, Most>{});
  if (width == kVectorWidth)
    body(std::integral_constant<int, kVectorWidth>{});
  else
    body(std::integral_constant<int, 1>{});
}

// Calls body(a value of the element type), which says it.
template <class Body>
void with_element(Element element, const Body& body) {
  if (element == Element::bf16)
    body(Bf16{});
  else
    body(float{});
}

// Calls body(a value of the element type, constant width), of packs of 4 in either type: where a thread keeps
// several numbers for each value, more of them would not fit its registers.
template <class Body>
void with_packs(Element element, int width, const Body& body) {
  with_element(element, [&](auto zero) { with_width(width, [&](auto constant) { body(zero, constant); }); });
}

}  // namespace rlnas
