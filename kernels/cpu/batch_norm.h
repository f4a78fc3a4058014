// Batch normalisation over rows [begin, end) of an [M, C] matrix: what batch_norm.cpp runs over whole tensors
// and conv_norm.cpp over the chunk of images that is in cache.
//
// Rows are cut into chunks fixed by the problem. A chunk's sums are taken about its own first row, so that
// nothing cancels, in float lanes flushed to double; chunks are combined in their order.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/backend.h"

namespace rlnas {

struct RowChunks {
  std::int64_t rows = 0;
  std::int64_t size = 0;  // rows of a chunk; the last may have fewer

  std::int64_t count() const { return (rows + size - 1) / size; }
  std::int64_t begin(std::int64_t chunk) const { return chunk * size; }
  std::int64_t end(std::int64_t chunk) const { return std::min(rows, begin(chunk) + size); }
};

// Two sums per channel and chunk: doubles [chunk][2][C].
template <class Double>
struct RowSumsOf {
  RowChunks chunks;
  int channels = 0;
  Double* sums = nullptr;

  static std::size_t bytes(const RowChunks& chunks, int channels) {
    return std::size_t(chunks.count()) * 2 * std::size_t(channels) * sizeof(double);
  }
  Double* first(std::int64_t chunk) const { return sums + 2 * chunk * channels; }
  Double* second(std::int64_t chunk) const { return first(chunk) + channels; }
  operator RowSumsOf<const double>() const { return {chunks, channels, sums}; }
};
using RowSums = RowSumsOf<double>;
using ConstRowSums = RowSumsOf<const double>;

// Sums of (x - shift) and (x - shift)^2 over one chunk, shift being its first row. x: the whole [M, C].
void add_moments(const RowSums& sums, std::int64_t chunk, const float* x);
// Everything a forward pass leaves behind, from the sums of all chunks.
void finish_statistics(int threads, const BatchNormSpec& spec, const ConstRowSums& sums, const float* x,
                       const float* gamma, const float* beta, float* running_mean, float* running_var,
                       BatchNormSaved saved);

// Sums of dy and dy*(x - mean) over one chunk.
void add_gradient_moments(const RowSums& sums, std::int64_t chunk, const float* x, const float* dy,
                          const float* mean);
// The sums of all chunks, in their order -> total [2][C].
void add_up(int threads, const ConstRowSums& sums, double* total);
// dx = scale*dy + slope*(x - mean) + offset: fills slope and offset [C], dgamma and dbeta unless null.
void finish_gradient(int threads, const BatchNormSpec& spec, const ConstRowSums& sums,
                     ConstBatchNormSaved saved, float* slope, float* offset, float* dgamma, float* dbeta);
// x, dy, dx: `rows` rows each; dx may be dy.
void apply_gradient(std::int64_t rows, int channels, const float* x, const float* dy,
                    ConstBatchNormSaved saved, const float* slope, const float* offset, float* dx);

}  // namespace rlnas
