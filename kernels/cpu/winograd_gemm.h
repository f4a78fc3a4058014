// The small matrix products of Winograd convolution, one pair of points at a time. Internal to winograd*.cpp.
#pragma once

#include "kernels/cpu/winograd_tile.h"

namespace rlnas::winograd {

// Vectors of output channels that are accumulated side by side, as many as divide the channels evenly.
inline int channel_block(int channels) {
  const int most = kLanes == 16 ? 4 : 2;
  int vectors = most;
  while (channels % (vectors * kLanes) != 0) vectors /= 2;
  return vectors * kLanes;
}

// out[t][k] = sum over c of in[t][c] * w[c][k] for t < tiles; w is stored in channel_block columns:
// [K/block][C][block].
void multiply(int tiles, int in_channels, int out_channels, const float* in, const float* w, float* out);

// sums[c][k] += sum over t < tiles of x[t][c] * dy[t][k].
void multiply_transposed(int tiles, int in_channels, int out_channels, const float* x, const float* dy,
                         float* sums);

}  // namespace rlnas::winograd
