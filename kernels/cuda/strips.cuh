// The pixels that a pass of a depthwise convolution makes, cut into strips along rows: one thread's kStrip
// pixels, so far from each other that the filter meets the pixels they read at whole steps. A pixel that is
// read meets several taps while it is in a register: 10 loads for 4 pixels of a row of seven taps, not 28.
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

  // Whether pixels of a strip are two steps apart in what is read (forward), or only every second tap meets
  // them (backward).
  static bool strided(const ConvSpec& spec) { return spec.stride == 2 && spec.dilation % 2 == 1; }

  Strips(const ConvSpec& spec, Direction direction) {
    const int d = spec.dilation;
    const bool forward = direction == Direction::forward;
    width = forward ? spec.out_width() : spec.in_width;
    height = forward ? spec.out_height() : spec.in_height;
    if (strided(spec)) {
      step = forward ? d : 2 * d;
      source_step = d;
    } else {
      step = forward ? d / spec.stride : d;
      source_step = forward ? d : d / spec.stride;
    }
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

}  // namespace rlnas
