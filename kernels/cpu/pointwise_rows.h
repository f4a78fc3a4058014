// The inner loops of pointwise_conv.cpp: a few rows or input channels times a few vectors of output channels,
// their sums in registers.
//
// Weights, and sums of their gradient, are packed by the blocks of for_output_blocks over the output
// channels: [block][input channel][output channel of the block], so that block c starts at c * inputs.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/lines_ahead.h"
#include "kernels/cpu/vec.h"
#include "rlnas/spec.hpp"

namespace rlnas::pointwise {

// for_channel_blocks, but that one broadcast value meets two or three vectors where it can: 24 channels left
// over are three vectors of 8, 48 three of 16.
template <class Body>
inline void for_output_blocks(int outputs, const Body& body) {
  constexpr bool kWide = kWidth<WideFloat> == 16;
  const int rest = outputs % 32;
  const int tail = rest == 24 ? 24 : kWide && rest == 16 && outputs >= 48 ? 48 : 0;
  for_channel_blocks(outputs - tail, body);
  if (tail == 24) body.template operator()<Float8, 3>(outputs - tail);
  if constexpr (kWide)
    if (tail == 48) body.template operator()<WideFloat, 3>(outputs - tail);
}

// Rows of a tile with N vectors: as many sums as the registers hold beside the weights.
template <int N>
inline constexpr int kTileRows = std::min(8, (kWidth<WideFloat> == 16 ? 24 : 12) / N);
inline constexpr int kTileInputs = kWidth<WideFloat> == 16 ? 8 : 3;
inline constexpr int kFewInputs = kWidth<WideFloat> == 16 ? 4 : 2;  // of those left over

// to[r, 0..N*kWidth<V>) = from[r, 0..inputs) * block, for kRows rows.
template <class V, int N, int kRows>
inline void multiply_tile(const float* from, int inputs, const float* block, float* to, int outputs) {
  V sum[kRows][N] = {};
  for (int i = 0; i < inputs; ++i, block += N * kWidth<V>) {
    V weights[N];
    for (int n = 0; n < N; ++n) weights[n] = load<V>(block + n * kWidth<V>);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const V value = splat<V>(from[std::int64_t(r) * inputs + i]);
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sum[r][n] += value * weights[n];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) store<V>(to + std::int64_t(r) * outputs + n * kWidth<V>, sum[r][n]);
}

// Asks for `count` floats to be brought into the cache.
inline void prefetch(const float* from, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += std::int64_t(kLineFloats)) __builtin_prefetch(from + i);
}

// Blocks of output channels, about.
constexpr int block_count(int outputs) {
  return (outputs + 31) / 32;
}

// to [rows, outputs] = from [rows, inputs] * packed; meanwhile `next` is asked for.
inline void multiply_rows(std::int64_t rows, const float* from, int inputs, const float* packed, float* to,
                          int outputs, const FloatRange& next) {
  RangeAhead ahead(next, rows / kTileRows<2> * block_count(outputs));
  for_output_blocks(outputs, [&]<class V, int N>(int c) {
    const float* const block = packed + std::int64_t(c) * inputs;
    std::int64_t m = 0;
    for (; m + kTileRows<N> <= rows; m += kTileRows<N>) {
      // The first block is the one that meets memory; the next tile's rows are on their way while it runs.
      if (c == 0)
        prefetch(from + (m + kTileRows<N>)*inputs,
                 std::min<std::int64_t>(kTileRows<N>, rows - m - kTileRows<N>) * inputs);
      ahead.fetch_share();
      multiply_tile<V, N, kTileRows<N>>(from + m * inputs, inputs, block, to + m * outputs + c, outputs);
    }
    for (; m < rows; ++m)
      multiply_tile<V, N, 1>(from + m * inputs, inputs, block, to + m * outputs + c, outputs);
  });
}

// sums[i, 0..N*kWidth<V>) (+)= x[m, i] * dy[m, 0..N*kWidth<V>) over the rows, for kInputs input channels.
template <class V, int N, int kInputs>
inline void add_gradient_tile(std::int64_t rows, const float* x, int inputs, const float* dy, int outputs,
                              float* sums, Store store_mode) {
  V sum[kInputs][N] = {};
  for (std::int64_t m = 0; m < rows; ++m, x += inputs, dy += outputs) {
    V gradient[N];
    for (int n = 0; n < N; ++n) gradient[n] = load<V>(dy + n * kWidth<V>);
#pragma GCC unroll 8
    for (int i = 0; i < kInputs; ++i) {
      const V value = splat<V>(x[i]);
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sum[i][n] += value * gradient[n];
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kInputs; ++i)
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) {
      float* const to = sums + (i * N + n) * kWidth<V>;
      store<V>(to, store_mode == Store::accumulate ? load<V>(to) + sum[i][n] : sum[i][n]);
    }
}

// packed sums [inputs, outputs] (+)= x^T [inputs, rows] * dy [rows, outputs], a strip of rows at a time;
// meanwhile `next` is asked for.
inline void add_gradient(std::int64_t rows, const float* x, int inputs, const float* dy, int outputs,
                         float* sums, Store store_mode, const FloatRange& next) {
  constexpr std::int64_t kStripFloats = 6 * 1024, kFewest = 32;  // x and dy in the first-level cache
  const std::int64_t strip = std::max(kFewest, kStripFloats / (inputs + outputs));
  RangeAhead ahead(next, (rows + strip - 1) / strip * block_count(outputs) * (inputs / kTileInputs));
  for (std::int64_t first = 0; first < rows; first += strip) {
    const std::int64_t count = std::min(strip, rows - first);
    const float* const x_rows = x + first * inputs;
    for_output_blocks(outputs, [&]<class V, int N>(int c) {
      const float* const dy_rows = dy + first * outputs + c;
      float* const block = sums + std::int64_t(c) * inputs;
      int i = 0;
      for (; i + kTileInputs <= inputs; i += kTileInputs) {
        ahead.fetch_share();
        add_gradient_tile<V, N, kTileInputs>(count, x_rows + i, inputs, dy_rows, outputs,
                                             block + i * N * kWidth<V>, store_mode);
      }
      for (; i + kFewInputs <= inputs; i += kFewInputs)
        add_gradient_tile<V, N, kFewInputs>(count, x_rows + i, inputs, dy_rows, outputs,
                                            block + i * N * kWidth<V>, store_mode);
      for (; i < inputs; ++i)
        add_gradient_tile<V, N, 1>(count, x_rows + i, inputs, dy_rows, outputs, block + i * N * kWidth<V>,
                                   store_mode);
    });
    store_mode = Store::accumulate;
  }
}

}  // namespace rlnas::pointwise
