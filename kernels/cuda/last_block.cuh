// The last block of a column of the grid to have written its partial sums adds them up: one kernel where
// there would be two. Which block that is changes from run to run, what it adds up in which order does not;
// so sums stay bit-equal. The counters are whole numbers, 0 before and after every kernel, and one set is
// enough for all kernels of a stream.
// Source: CUDA's programming guide, "memory fence functions".
#pragma once

#include "kernels/cuda/block_counters.h"
#include "kernels/cuda/pack.cuh"

namespace rlnas {

// For all threads of a block at once, after they have written. In the block that is told true, load_fresh
// reads what all blocks of its column have written.
__device__ __forceinline__ bool is_last_block(unsigned* counters) {
  RLNAS_SHARED(unsigned, arrived, 1);
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0 && threadIdx.y == 0) arrived[0] = atomicInc(counters + blockIdx.y, gridDim.x - 1);
  __syncthreads();
  __threadfence();
  return unsigned(arrived[0]) == gridDim.x - 1;
}

// Past the first-level cache, which does not see what other multiprocessors write.
__device__ __forceinline__ double load_fresh(const double* from) {
  return __ldcg(from);
}

}  // namespace rlnas
