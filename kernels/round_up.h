#pragma once

#include <cstddef>

namespace rlnas {

// The smallest multiple of `to` that is not below `bytes`.
constexpr std::size_t round_up(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

// Parts of a workspace start on page boundaries.
constexpr std::size_t whole_pages(std::size_t bytes) {
  constexpr std::size_t kPageBytes = 4096;
  return round_up(bytes, kPageBytes);
}

}  // namespace rlnas
