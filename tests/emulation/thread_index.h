// CUDA's built-in indices as plain variables, set for the thread that runs.
#pragma once

namespace rlnas {

struct uint3 {
  unsigned x, y, z;
};

inline uint3 threadIdx, blockIdx, blockDim, gridDim;

}  // namespace rlnas
