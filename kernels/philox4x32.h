// Philox4x32-10 (Salmon et al., SC11): one block of a counter-based generator, the same on host and device.
#pragma once

#include <array>
#include <cstdint>

namespace rlnas {

// Which numbers a stream draws: block i is that of `counter` with i added to its first word.
struct PhiloxStream {
  std::array<std::uint32_t, 2> key{};
  std::array<std::uint32_t, 4> counter{};
};

// One block of the generator: ten rounds.
constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                  std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {std::uint32_t(product1 >> 32) ^ counter[1] ^ key[0], std::uint32_t(product1),
               std::uint32_t(product0 >> 32) ^ counter[3] ^ key[1], std::uint32_t(product0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

// [0, 1) with 24 random bits.
constexpr float philox_uniform(std::uint32_t word) {
  return float(word >> 8) * 0x1.0p-24f;
}

}  // namespace rlnas
