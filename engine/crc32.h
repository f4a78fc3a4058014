// CRC-32 (the zlib polynomial), for golden values and data checksums.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rlnas {

inline std::uint32_t crc32_of(const void* data, std::size_t bytes, std::uint32_t start = 0) {
  if (bytes == 0) return start;  // zlib would take a null pointer as "begin anew"
  return std::uint32_t(::crc32_z(start, static_cast<const Bytef*>(data), bytes));
}
inline std::uint32_t crc32_of(std::string_view text) {
  return crc32_of(text.data(), text.size());
}

}  // namespace rlnas
