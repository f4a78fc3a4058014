// What one launch of an own kernel costs on paper, said where it is launched: bytes it moves, each line of
// memory once a launch (windows that overlap meet in the caches), its scratch included, and floating-point
// operations. Nothing on a device reads it; the simulated device of the tests adds it up
// (docs/cuda_counted.md).
#pragma once

#include <cstddef>
#include <cstdint>

#include "rlnas/spec.hpp"

namespace rlnas {

struct KernelCost {
  std::uint64_t read_bytes = 0, written_bytes = 0;
  std::uint64_t flops = 0;  // 2 per multiply-accumulate

  constexpr KernelCost operator*(std::uint64_t times) const {
    return {times * read_bytes, times * written_bytes, times * flops};
  }
  constexpr KernelCost operator+(const KernelCost& other) const {
    return {read_bytes + other.read_bytes, written_bytes + other.written_bytes, flops + other.flops};
  }
};

// Of a pass over the flat weight buffer: how much it does is decided by tables in device memory.
struct SegmentCost {
  const SegmentBlock* blocks = nullptr;  // [count] on the device
  const SegmentState* states = nullptr;  // likewise, of every segment
  int count = 0;
  KernelCost sampled = {}, coasting = {};  // of one element
};

// ---- for the lines at the launches ----
constexpr std::uint64_t float_bytes(std::size_t count) {
  return std::uint64_t(count) * sizeof(float);
}
constexpr std::uint64_t double_bytes(std::size_t count) {
  return std::uint64_t(count) * sizeof(double);
}
// Of activations and their gradients, as E.
template <class E>
constexpr std::uint64_t value_bytes(std::size_t count) {
  return std::uint64_t(count) * sizeof(E);
}
// `count` of them that are written, or added to what is there.
template <class E>
constexpr KernelCost stored(std::size_t count, Store store) {
  const bool adds = store == Store::accumulate;
  return {adds ? value_bytes<E>(count) : 0, value_bytes<E>(count), adds ? count : 0};
}

}  // namespace rlnas
