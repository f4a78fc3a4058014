// The reference code's generators, bit for bit: NumPy's legacy RandomState and Python's random.Random, both
// over MT19937. Only the --compat modes and the published data split use them (method.md 2.2).
#pragma once

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace rlnas {

// np.random.seed(s) and the draws the published code makes.
class NumpyRandom {
 public:
  explicit NumpyRandom(std::uint32_t seed) : engine_(seed) {}

  std::uint32_t next_u32() { return std::uint32_t(engine_()); }
  // randint(n): scalar and array calls give the same stream.
  std::uint32_t randint(std::uint32_t n) {
    const std::uint32_t limit = n - 1;
    if (limit == 0) return 0;
    std::uint32_t mask = limit;
    for (int shift = 1; shift < 32; shift *= 2) mask |= mask >> shift;
    std::uint32_t value = next_u32() & mask;
    while (value > limit) value = next_u32() & mask;
    return value;
  }
  double random_sample() {
    const std::uint64_t high = next_u32() >> 5, low = next_u32() >> 6;
    return double(high * 67108864u + low) / 9007199254740992.0;
  }

 private:
  std::mt19937 engine_;  // std::mt19937(s) is init_genrand(s)
};

// random.seed(int) and the draws the published code and the benchmark's tools make.
class PythonRandom {
 public:
  explicit PythonRandom(std::uint64_t seed) {
    // init_by_array with the 32-bit words of the seed (one word for 0).
    const std::uint32_t key[2] = {std::uint32_t(seed), std::uint32_t(seed >> 32)};
    const int length = key[1] != 0 ? 2 : 1;
    state_[0] = 19650218u;
    for (int i = 1; i < kSize; ++i) state_[i] = 1812433253u * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
    int i = 1, j = 0;
    const auto advance = [&] {
      if (++i >= kSize) {
        state_[0] = state_[kSize - 1];
        i = 1;
      }
    };
    for (int k = kSize; k > 0; --k) {
      state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1664525u)) + key[j] + j;
      j = (j + 1) % length;
      advance();
    }
    for (int k = kSize - 1; k > 0; --k) {
      state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1566083941u)) - i;
      advance();
    }
    state_[0] = 0x80000000u;
  }

  std::uint32_t next_u32() {
    if (position_ == kSize) twist();
    std::uint32_t y = state_[position_++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
  }
  // random._randbelow(n), which choice and shuffle use.
  std::uint32_t below(std::uint32_t n) {
    int bits = 0;
    while (bits < 32 && (n >> bits) != 0) ++bits;
    std::uint32_t value = next_u32() >> (32 - bits);
    while (value >= n) value = next_u32() >> (32 - bits);
    return value;
  }
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i-- > 1;) std::swap(items[i], items[below(std::uint32_t(i + 1))]);
  }

 private:
  static constexpr int kSize = 624, kMiddle = 397;

  void twist() {
    for (int i = 0; i < kSize; ++i) {
      const std::uint32_t y = (state_[i] & 0x80000000u) | (state_[(i + 1) % kSize] & 0x7fffffffu);
      state_[i] = state_[(i + kMiddle) % kSize] ^ (y >> 1) ^ ((y & 1u) != 0 ? 0x9908b0dfu : 0u);
    }
    position_ = 0;
  }

  std::uint32_t state_[kSize]{};
  int position_ = kSize;
};

}  // namespace rlnas
