#include "kernels/cpu/winograd_gemm.h"

#include <algorithm>

namespace rlnas::winograd {
namespace {

// Accumulators held in registers: 16 of 32 with AVX-512, 12 of 16 with AVX2.
template <int Vectors>
inline constexpr int kTileBlock = kLanes == 16   ? 16 / Vectors
                                  : Vectors == 2 ? 6
                                                 : 8;

// In: the input channels where the compiler may know them, or 0.
template <int In, int Vectors, int Tiles>
inline void multiply_block(int any_channels, std::size_t out_stride, const float* in, const float* w,
                           float* out) {
  const int in_channels = In > 0 ? In : any_channels;
  Vec sum[Tiles][Vectors] = {};
#pragma GCC unroll 4
  for (int c = 0; c < in_channels; ++c) {
    Vec weights[Vectors];
    for (int v = 0; v < Vectors; ++v) weights[v] = load<Vec>(w + (c * Vectors + v) * kLanes);
#pragma GCC unroll 16
    for (int t = 0; t < Tiles; ++t) {
      const float value = in[t * in_channels + c];
      for (int v = 0; v < Vectors; ++v) sum[t][v] += value * weights[v];
    }
  }
#pragma GCC unroll 16
  for (int t = 0; t < Tiles; ++t)
    for (int v = 0; v < Vectors; ++v) store<Vec>(out + std::size_t(t) * out_stride + v * kLanes, sum[t][v]);
}

template <int In, int Vectors>
void multiply_columns(int tiles, int in_channels, int out_channels, const float* in, const float* w,
                      float* out) {
  constexpr int kTiles = kTileBlock<Vectors>;
  const std::size_t in_stride = std::size_t(in_channels), out_stride = std::size_t(out_channels);
  for (int k = 0; k < out_channels; k += Vectors * kLanes) {
    const float* const columns = w + std::size_t(k) * in_stride;
    int t = 0;
    for (; t + kTiles <= tiles; t += kTiles)
      multiply_block<In, Vectors, kTiles>(in_channels, out_stride, in + std::size_t(t) * in_stride, columns,
                                          out + std::size_t(t) * out_stride + k);
    for (; t + 2 <= tiles; t += 2)
      multiply_block<In, Vectors, 2>(in_channels, out_stride, in + std::size_t(t) * in_stride, columns,
                                     out + std::size_t(t) * out_stride + k);
    if (t < tiles)
      multiply_block<In, Vectors, 1>(in_channels, out_stride, in + std::size_t(t) * in_stride, columns,
                                     out + std::size_t(t) * out_stride + k);
  }
}

template <int Vectors>
void multiply_known(int tiles, int in_channels, int out_channels, const float* in, const float* w,
                    float* out) {
  switch (in_channels) {
    case 16:
      return multiply_columns<16, Vectors>(tiles, in_channels, out_channels, in, w, out);
    case 32:
      return multiply_columns<32, Vectors>(tiles, in_channels, out_channels, in, w, out);
    case 64:
      return multiply_columns<64, Vectors>(tiles, in_channels, out_channels, in, w, out);
    default:
      return multiply_columns<0, Vectors>(tiles, in_channels, out_channels, in, w, out);
  }
}

template <int Rows, int Vectors>
inline void transposed_block(int tiles, std::size_t in_stride, std::size_t out_stride, const float* x,
                             const float* dy, float* sums) {
  Vec sum[Rows][Vectors];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) sum[r][v] = load<Vec>(sums + std::size_t(r) * out_stride + v * kLanes);
  for (int t = 0; t < tiles; ++t, x += in_stride, dy += out_stride) {
    Vec right[Vectors];
    for (int v = 0; v < Vectors; ++v) right[v] = load<Vec>(dy + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) sum[r][v] += x[r] * right[v];
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) store<Vec>(sums + std::size_t(r) * out_stride + v * kLanes, sum[r][v]);
}

template <int Rows, int Vectors>
void transposed_all(int tiles, int in_channels, int out_channels, const float* x, const float* dy,
                    float* sums) {
  const std::size_t in_stride = std::size_t(in_channels), out_stride = std::size_t(out_channels);
  for (int k = 0; k < out_channels; k += Vectors * kLanes)
    for (int c = 0; c < in_channels; c += Rows)
      transposed_block<Rows, Vectors>(tiles, in_stride, out_stride, x + c, dy + k,
                                      sums + std::size_t(c) * out_stride + k);
}

}  // namespace

void multiply(int tiles, int in_channels, int out_channels, const float* in, const float* w, float* out) {
  switch (channel_block(out_channels) / kLanes) {
    case 4:
      return multiply_known<4>(tiles, in_channels, out_channels, in, w, out);
    case 2:
      return multiply_known<2>(tiles, in_channels, out_channels, in, w, out);
    default:
      return multiply_known<1>(tiles, in_channels, out_channels, in, w, out);
  }
}

void multiply_transposed(int tiles, int in_channels, int out_channels, const float* x, const float* dy,
                         float* sums) {
  if constexpr (kLanes == 16) {
    if (out_channels % 64 == 0) return transposed_all<4, 4>(tiles, in_channels, out_channels, x, dy, sums);
    if (out_channels % 32 == 0) return transposed_all<8, 2>(tiles, in_channels, out_channels, x, dy, sums);
    return transposed_all<16, 1>(tiles, in_channels, out_channels, x, dy, sums);
  } else {
    return transposed_all<4, 2>(tiles, in_channels, out_channels, x, dy, sums);
  }
}

}  // namespace rlnas::winograd
