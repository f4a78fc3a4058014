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

// Count sums over a one-dimensional block of Threads threads at once, for two barriers; every thread gets
// them. `scratch`: Count for each warp, free to be used again at once.
template <int Threads, int Count, class T>
__device__ __forceinline__ void block_sums(T (&values)[Count], SharedPointer<T> scratch) {
  static_assert(Threads % kWarp == 0);
  constexpr int kWarps = Threads / kWarp;
  RLNAS_UNROLL
  for (int i = 0; i < Count; ++i) values[i] = warp_sum(values[i]);
  if (threadIdx.x % kWarp == 0) {
    RLNAS_UNROLL
    for (int i = 0; i < Count; ++i) scratch[i * kWarps + int(threadIdx.x) / kWarp] = values[i];
  }
  __syncthreads();
  RLNAS_UNROLL
  for (int i = 0; i < Count; ++i) {
    values[i] = scratch[i * kWarps];
    for (int w = 1; w < kWarps; ++w) values[i] += T(scratch[i * kWarps + w]);
  }
  __syncthreads();
}

// Sum over a one-dimensional block of Threads threads, a multiple of the warp size; every thread gets it.
// `scratch`: Threads / 32 elements, free to be used again at once.
template <int Threads, class T>
__device__ __forceinline__ T block_sum(T value, SharedPointer<T> scratch) {
  T values[1] = {value};
  block_sums<Threads>(values, scratch);
  return values[0];
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
