// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC11). A stream is named by
// (seed, name, step, index), so what it draws depends on nothing else: not on threads, ranks or other draws,
// and a checkpoint needs no generator state.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/philox4x32.h"

namespace rlnas {

class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view name, std::uint64_t step = 0, std::uint64_t index = 0) {
    std::uint64_t key = 0xcbf29ce484222325u;  // FNV-1a of the name, then mixed with the seed (splitmix64)
    for (const char c : name) key = (key ^ std::uint8_t(c)) * 0x100000001b3u;
    key += seed * 0x9E3779B97F4A7C15u;
    key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9u;
    key = (key ^ (key >> 27)) * 0x94D049BB133111EBu;
    key ^= key >> 31;
    at_ = {.key = {std::uint32_t(key), std::uint32_t(key >> 32)},
           .counter = {0, std::uint32_t(index), std::uint32_t(step),
                       std::uint32_t((step >> 32) << 16) ^ std::uint32_t(index >> 32)}};
  }

  std::uint32_t next_u32() {
    if (used_ == 4) {
      block_ = philox4x32(at_.counter, at_.key);
      ++at_.counter[0];
      used_ = 0;
    }
    return block_[used_++];
  }
  // Uniform over {0..n-1}, without bias (Lemire's multiply-and-reject).
  std::uint32_t below(std::uint32_t n) {
    std::uint64_t product = std::uint64_t{next_u32()} * n;
    if (std::uint32_t(product) < n) {
      const std::uint32_t threshold = std::uint32_t(-n) % n;
      while (std::uint32_t(product) < threshold) product = std::uint64_t{next_u32()} * n;
    }
    return std::uint32_t(product >> 32);
  }
  // [0, 1) with 24 and 53 random bits.
  float uniform() { return philox_uniform(next_u32()); }
  double uniform_double() {
    const std::uint64_t high = next_u32() >> 5, low = next_u32() >> 6;
    return double(high * 67108864u + low) * 0x1.0p-53;
  }
  // Standard normal (Box and Muller; the second value is dropped).
  double normal() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform_double()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform_double());
  }
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(std::uint32_t(i))]);
  }

 private:
  PhiloxStream at_;  // the block to draw next
  std::array<std::uint32_t, 4> block_{};
  unsigned used_ = 4;
};

}  // namespace rlnas
