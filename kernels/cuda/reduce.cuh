// Sums over the threads of a warp, a block or a column of a block, by fixed trees: bit-equal from run to run
// on every GPU, whatever order threads run in. No atomics.
#pragma once

#include "kernels/cuda/pack.cuh"

namespace rlnas {

inline constexpr int kWarp = 32;
inline constexpr unsigned kWholeWarp = 0xFFFFFFFFu;

// Every lane gets the sum.
template <class T>
__device__ __forceinline__ T warp_sum(T value) {
  for (int step = kWarp / 2; step > 0; step /= 2) value += __shfl_xor_sync(kWholeWarp, value, step);
  return value;
}

// Sum over a one-dimensional block of Threads threads, a multiple of the warp size; every thread gets it.
// `scratch`: Threads / 32 elements, free to be used again at once.
template <int Threads, class T>
__device__ __forceinline__ T block_sum(T value, SharedPointer<T> scratch) {
  static_assert(Threads % kWarp == 0);
  value = warp_sum(value);
  if (threadIdx.x % kWarp == 0) scratch[threadIdx.x / kWarp] = value;
  __syncthreads();
  T total = scratch[0];
  for (int w = 1; w < Threads / kWarp; ++w) total += T(scratch[w]);
  __syncthreads();
  return total;
}

// Sums over threadIdx.y in a block of MatrixTiling: `values` of the thread with y = 0 become the sums of its
// column, those of the others are used up. `scratch`: Count elements for each thread of the block, free to be
// used again at once.
template <int Count>
__device__ __forceinline__ void column_sums(double (&values)[Count], SharedPointer<double> scratch) {
  const int stride = int(blockDim.x * blockDim.y), self = int(threadIdx.y * blockDim.x + threadIdx.x);
  for (int i = 0; i < Count; ++i) scratch[i * stride + self] = values[i];
  for (int half = int(blockDim.y) / 2; half > 0; half /= 2) {
    __syncthreads();
    if (int(threadIdx.y) < half) {
      for (int i = 0; i < Count; ++i) {
        values[i] += double(scratch[i * stride + self + half * int(blockDim.x)]);
        scratch[i * stride + self] = values[i];
      }
    }
  }
  __syncthreads();
}

}  // namespace rlnas
