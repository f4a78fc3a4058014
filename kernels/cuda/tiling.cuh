// How a channels-last matrix [M, C] is cut into blocks: threads x walk groups of channels (neighbours in
// memory, so a warp reads whole lines), threads y walk rows; grid x counts row tiles, grid y channel tiles.
// 256 threads or a little less, a power of two of them in y, so that sums over rows are a plain tree.
#pragma once

#include <bit>

#include "kernels/cuda/pack.cuh"

namespace rlnas {

inline constexpr int kTileThreads = 256;
// Blocks that a multiprocessor has to hold at least. Without it ptxas spills some kernels to memory for the
// sake of more of them.
inline constexpr int kTileBlocks = 3;

struct MatrixTiling {
  int columns = 1;  // threads along channels
  int rows = 1;     // threads along rows
  int tiles = 1;    // of channels

  MatrixTiling(int channels, int width, int max_columns = 32) {
    const int groups = ceil_div(channels, width);
    tiles = ceil_div(groups, max_columns);
    columns = ceil_div(groups, tiles);
    rows = int(std::bit_floor(unsigned(kTileThreads / columns)));
  }

  // `rows_per_block` of `count` rows to each block.
  LaunchShape shape(const char* kernel, std::int64_t count, std::int64_t rows_per_block,
                    Cooperation cooperation) const {
    return {{grid_blocks(kernel, std::size_t(count), std::size_t(rows_per_block)), unsigned(tiles), 1},
            {unsigned(columns), unsigned(rows), 1},
            cooperation};
  }
};

// First channel of this thread.
template <int Width>
__device__ __forceinline__ int tile_channel() {
  return int(blockIdx.y * blockDim.x + threadIdx.x) * Width;
}

// The row of this thread where each thread takes one.
__device__ __forceinline__ std::int64_t tile_row() {
  return std::int64_t(blockIdx.x) * blockDim.y + threadIdx.y;
}

// ---- on the host ----
// Calls body(a value of the element type, constant width, shape) for one thread a pixel and channel group,
// `pixels` of them in all; the pointers are those of the pixels' channels.
template <class Body>
void for_pixels(const char* kernel, Element element, std::int64_t pixels, int channels,
                std::initializer_list<const void*> pointers, const Body& body) {
  with_element(element, [&](auto zero) {
    constexpr int kMost = kVectorWidthOf<decltype(zero)>;
    with_width<kMost>(width_for(channels, pointers, kMost), [&](auto constant) {
      const MatrixTiling tiling(channels, decltype(constant)::value);
      body(zero, constant, tiling.shape(kernel, pixels, tiling.rows, Cooperation::independent));
    });
  });
}

}  // namespace rlnas
