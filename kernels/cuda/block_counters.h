// How many columns of its grid a kernel may have whose last blocks finish (last_block.cuh).
#pragma once

namespace rlnas {

inline constexpr int kBlockCounters = 4096;

}  // namespace rlnas
