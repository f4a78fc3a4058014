// CRC-32C (Castagnoli), which zlib does not have: polynomial 0x1EDC6F41, reflected. Source: RFC 3720, B.4.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace rlnas {

inline std::uint32_t crc32c_of(std::string_view bytes) {
  static constexpr auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint32_t rest = byte;
      for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1) != 0 ? 0x82f63b78u : 0u);
      table[byte] = rest;
    }
    return table;
  }();
  std::uint32_t crc = 0xffffffffu;
  for (const char c : bytes) crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

}  // namespace rlnas
