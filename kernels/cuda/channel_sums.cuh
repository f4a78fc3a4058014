// Two sums per channel over the rows of a matrix [M, C], in one kernel: blocks sum a chunk of rows, the last
// of a tile of channels adds the chunks up and finishes. Everything from a thread's run on is in double and
// in a fixed order.
#pragma once

#include "kernels/cuda/last_block.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/tiling.cuh"

namespace rlnas {

// totals[2i] and totals[2i+1] of threads with y = 0 are this chunk's sums of channel c + i, and left in
// `sums` [chunk][2][C]; the last block of the tile calls finish(channel, first sum, second sum) with those of
// all chunks. `scratch`: 2 * Width doubles a thread.
template <int Width, class Finish>
__device__ __forceinline__ void finish_sums(int channels, double (&totals)[2 * Width], double* sums,
                                            unsigned* counters, SharedPointer<double> scratch,
                                            const Finish& finish) {
  const int c = tile_channel<Width>();
  const bool writes = threadIdx.y == 0 && c < channels;
  if (writes) {
    double* const out = sums + std::int64_t(blockIdx.x) * 2 * channels + c;
    RLNAS_UNROLL
    for (int i = 0; i < Width; ++i) {
      out[i] = totals[2 * i];
      out[channels + i] = totals[2 * i + 1];
    }
  }
  if (!is_last_block(counters)) return;
  RLNAS_UNROLL
  for (int i = 0; i < 2 * Width; ++i) totals[i] = 0.0;
  if (c < channels) {
    for (unsigned k = threadIdx.y; k < gridDim.x; k += blockDim.y) {
      const double* const chunk = sums + std::int64_t(k) * 2 * channels + c;
      RLNAS_UNROLL
      for (int i = 0; i < Width; ++i) {
        totals[2 * i] += load_fresh(chunk + i);
        totals[2 * i + 1] += load_fresh(chunk + channels + i);
      }
    }
  }
  column_sums(totals, scratch);
  if (!writes) return;
  RLNAS_UNROLL
  for (int i = 0; i < Width; ++i) finish(c + i, totals[2 * i], totals[2 * i + 1]);
}

// ---- on the host ----
// Errors: run_failed where the last blocks of so many tiles cannot be counted.
inline void check_tiles(const MatrixTiling& tiling) {
  RLNAS_CHECK(tiling.tiles <= kBlockCounters, run_failed, "batch norm: ", tiling.tiles,
              " tiles of channels are more than one launch can take");
}

}  // namespace rlnas
