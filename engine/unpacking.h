// How much a compressed file may unpack to. Deflate can say a gigabyte of one letter in a megabyte; tables of
// numbers shrink to a tenth at best, images of digits to a fifth.
#pragma once

#include <cstdint>

namespace rlnas {

inline std::uint64_t most_unpacked_bytes(std::uint64_t packed_bytes) {
  return (std::uint64_t{64} << 20) + 100 * packed_bytes;
}

}  // namespace rlnas
