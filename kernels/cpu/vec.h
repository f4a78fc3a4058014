// Short vectors of floats and the walk over a channel axis in blocks of them.
//
// GCC's vector extension, not intrinsics: the same source is good for AVX2 and AVX-512, and for a build
// without -march. Every kernel is written once over a type V, which is the machine's widest, Float8 or, for
// channels left over, Float4 or float itself.
#pragma once

#include <cstring>

namespace rlnas {

using Float4 = float __attribute__((vector_size(16)));
using Float8 = float __attribute__((vector_size(32)));
using Float16 = float __attribute__((vector_size(64)));
// The machine's widest vector of floats and of doubles, and as many floats as the latter.
#ifdef __AVX512F__
using WideFloat = Float16;
#else
using WideFloat = Float8;
#endif
inline constexpr int kWideDoubles = int(sizeof(WideFloat) / sizeof(double));
using WideDouble = double __attribute__((vector_size(kWideDoubles * sizeof(double))));
using WideDoubleFloats = float __attribute__((vector_size(kWideDoubles * sizeof(float))));

template <class V>
inline constexpr int kWidth = int(sizeof(V) / sizeof(float));

// Whole numbers beside the lanes of V, as wide as comparisons of V give them, and as bytes in memory.
template <class V>
struct Whole;
template <>
struct Whole<Float16> {
  using Ints = int __attribute__((vector_size(64)));
  using Shorts = short __attribute__((vector_size(32)));
  using Bytes = unsigned char __attribute__((vector_size(16)));
};
template <>
struct Whole<Float8> {
  using Ints = int __attribute__((vector_size(32)));
  using Shorts = short __attribute__((vector_size(16)));
  using Bytes = unsigned char __attribute__((vector_size(8)));
};
template <>
struct Whole<Float4> {
  using Ints = int __attribute__((vector_size(16)));
  using Shorts = short __attribute__((vector_size(8)));
  using Bytes = unsigned char __attribute__((vector_size(4)));
};
template <>
struct Whole<float> {
  using Ints = int;
  using Bytes = unsigned char;
};

template <class V>
inline V load(const float* from) {
  V value;
  std::memcpy(&value, from, sizeof(V));
  return value;
}
template <class V>
inline void store(float* to, V value) {
  std::memcpy(to, &value, sizeof(V));
}
inline WideDouble load_doubles(const float* from) {
  return __builtin_convertvector(load<WideDoubleFloats>(from), WideDouble);
}
template <class V>
inline V splat(float value) {
  return V{} + value;
}

template <class V>
inline typename Whole<V>::Ints load_bytes(const unsigned char* from) {
  typename Whole<V>::Bytes bytes;
  std::memcpy(&bytes, from, sizeof bytes);
  if constexpr (kWidth<V> == 1)
    return bytes;
  else
    // By way of shorts: GCC 12 widens from bytes to ints in one step a lane at a time.
    return __builtin_convertvector(__builtin_convertvector(bytes, typename Whole<V>::Shorts),
                                   typename Whole<V>::Ints);
}
template <class V>
inline void store_bytes(unsigned char* to, typename Whole<V>::Ints values) {
  typename Whole<V>::Bytes bytes;
  if constexpr (kWidth<V> == 1)
    bytes = static_cast<unsigned char>(values);
  else
    bytes = __builtin_convertvector(values, typename Whole<V>::Bytes);
  std::memcpy(to, &bytes, sizeof bytes);
}

// Lane sums in a fixed order.
inline float lane_sum(Float8 v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}
inline float lane_sum(float v) {
  return v;
}
// Of kCount vectors side by side: by halves over all lanes, the same order however wide the vectors are.
template <int kCount>
inline double lane_sum(const WideDouble (&vectors)[kCount]) {
  constexpr int kLanes = kCount * kWideDoubles;
  double lanes[kLanes];
  std::memcpy(lanes, vectors, sizeof lanes);
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

// Rows of an [M, channels] matrix that a walk in blocks of channels takes at a time: few enough that what the
// first block brings into the first-level cache is there for the next ones, for memory is read row by row and
// not a few lines of each.
constexpr int rows_per_strip(int channels) {
  constexpr int kStripFloats = 2048, kFewest = 4;
  return kStripFloats / channels > kFewest ? kStripFloats / channels : kFewest;
}

// Covers 0..channels-1: body.template operator()<V, N>(channel) handles the N*kWidth<V> channels from
// `channel` on.
template <class Body>
inline void for_channel_blocks(int channels, const Body& body) {
  int c = 0;
  for (; c + 32 <= channels; c += 32) body.template operator()<WideFloat, 32 / kWidth<WideFloat>>(c);
  for (; c + 16 <= channels; c += 16) body.template operator()<WideFloat, 16 / kWidth<WideFloat>>(c);
  for (; c + 8 <= channels; c += 8) body.template operator()<Float8, 1>(c);
  for (; c + 4 <= channels; c += 4) body.template operator()<Float4, 1>(c);
  for (; c < channels; ++c) body.template operator()<float, 1>(c);
}

}  // namespace rlnas
