// Sums over ranks in the order of the ranks, so that they do not depend on who came first.
#pragma once

#include <cstddef>

namespace rlnas {

// sum [count] += the values [count] of the next rank
inline void add_rank(const float* values, std::size_t count, float* sum) {
  for (std::size_t i = 0; i < count; ++i) sum[i] += values[i];
}

}  // namespace rlnas
