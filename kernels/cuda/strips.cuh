// The pixels that a depthwise convolution makes, cut into strips along rows: one thread's kStrip pixels, so
// far from each other that the filter meets the pixels they read at whole steps. A pixel that is read meets
// several taps while it is in a register: 10 loads for 4 pixels of a row of seven taps, not 28.
#pragma once

#include "kernels/cuda/pack.cuh"
#include "kernels/cuda/tiling.cuh"

namespace rlnas {

inline constexpr int kStrip = 4;

struct Strips {
  int width;          // of the rows that are made
  int height;         // of an image
  int step;           // from one pixel of a strip to the next
  int source_step;    // from one pixel that is read to the next
  int of_row, count;  // strips

  // Whether pixels of a strip are two steps apart in what is read, and so backwards only every second tap
  // meets a pixel.
  static bool strided(const ConvSpec& spec) { return spec.stride == 2 && spec.dilation % 2 == 1; }

  explicit Strips(const ConvSpec& spec) : width(spec.out_width()), height(spec.out_height()) {
    source_step = spec.dilation;
    step = strided(spec) ? spec.dilation : spec.dilation / spec.stride;
    of_row = step * ceil_div(ceil_div(width, step), kStrip);
    count = spec.batch * height * of_row;
  }
};

struct StripPlace {
  int image, row, column;  // of its first pixel
};

__device__ __forceinline__ StripPlace place_of(const Strips& strips, int strip) {
  const int line = strip / strips.of_row, in_row = strip - line * strips.of_row;
  const int image = line / strips.height, part = in_row / strips.step;
  return {image, line - image * strips.height, in_row - part * strips.step + part * strips.step * kStrip};
}

// ---- on the host ----
// How many strips a block takes, so that there are at most `most` blocks in a column of the grid.
struct StripChunks {
  static constexpr int kMostSums = 512;  // of channels' sums: what the last block adds up
  static constexpr int kAny = 1 << 30;
  static constexpr int kStripsPerThread = 4;
  int strips_per_block, blocks;

  StripChunks(const Strips& strips, const MatrixTiling& tiling, int most = kAny) {
    const int per_thread = ceil_div(ceil_div(strips.count, tiling.rows), most);
    strips_per_block = tiling.rows * std::max(per_thread, kStripsPerThread);
    blocks = ceil_div(strips.count, strips_per_block);
  }
};

}  // namespace rlnas
