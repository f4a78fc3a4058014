// Batch normalisation over the rows of an [M, C] matrix.
//
// One pass over x gives the sums of (x - shift) and (x - shift)^2, shift being the first row, so that nothing
// cancels; float lanes over at most 256 rows are flushed to double. Rows are cut into at most 64 chunks fixed
// by M, whose doubles are added up in chunk order. Backward: one pass for sum(dy) and sum(dy*(x - mean)), one
// to apply.
#include <cmath>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vec.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

constexpr std::int64_t kFlushRows = 256;
constexpr std::int64_t kMaxChunks = 64;

struct RowChunks {
  explicit RowChunks(std::int64_t rows) {
    const std::int64_t flushes = (rows + kFlushRows - 1) / kFlushRows;
    size = (flushes + kMaxChunks - 1) / kMaxChunks * kFlushRows;
    count = (rows + size - 1) / size;
  }
  std::int64_t size = 0;
  std::int64_t count = 0;
};

void check(const BatchNormSpec& spec) {
  RLNAS_CHECK(spec.rows > 0 && spec.channels > 0, run_failed,
              "batch norm: a size in its spec is not positive");
}

// Two sums per channel over rows [begin, end), added to the doubles first[c] and second[c].
// pair(c, i) reads at channel c of the row that starts at element i and returns the two values to add.
template <class V, int N, class Pair>
void add_row_sums(std::int64_t begin, std::int64_t end, int channels, int c, const Pair& pair, double* first,
                  double* second) {
  for (std::int64_t row = begin; row < end; row += kFlushRows) {
    // Even and odd rows go to lanes of their own: two independent chains of additions.
    V sum0[2][N] = {}, sum1[2][N] = {};
    const std::int64_t stop = std::min(end, row + kFlushRows);
    std::int64_t m = row;
    for (; m + 2 <= stop; m += 2)
      for (int odd = 0; odd < 2; ++odd)
        for (int i = 0; i < N; ++i)
          pair(c + i * kWidth<V>, (m + odd) * channels + c + i * kWidth<V>, i, sum0[odd][i], sum1[odd][i]);
    for (; m < stop; ++m)
      for (int i = 0; i < N; ++i)
        pair(c + i * kWidth<V>, m * channels + c + i * kWidth<V>, i, sum0[0][i], sum1[0][i]);
    float flat0[N * kWidth<V>], flat1[N * kWidth<V>];
    for (int i = 0; i < N; ++i) {
      store<V>(flat0 + i * kWidth<V>, sum0[0][i] + sum0[1][i]);
      store<V>(flat1 + i * kWidth<V>, sum1[0][i] + sum1[1][i]);
    }
    for (int i = 0; i < N * kWidth<V>; ++i) {
      first[c + i] += double(flat0[i]);
      second[c + i] += double(flat1[i]);
    }
  }
}

// Workspace: doubles [chunk][2][C], then floats [3][C] (coefficients of the backward pass).
struct Scratch {
  Scratch(const BatchNormSpec& spec, const Workspace& workspace)
      : chunks(spec.rows), channels(spec.channels), partials(static_cast<double*>(workspace.data)) {}

  static std::size_t bytes(const BatchNormSpec& spec) {
    const std::size_t channel_count = std::size_t(spec.channels);
    return std::size_t(RowChunks(spec.rows).count) * 2 * channel_count * sizeof(double) +
           3 * channel_count * sizeof(float);
  }
  double* first(std::int64_t chunk) const { return partials + 2 * chunk * channels; }
  double* second(std::int64_t chunk) const { return first(chunk) + channels; }
  float* coefficients() const { return reinterpret_cast<float*>(partials + 2 * chunks.count * channels); }

  void clear(std::int64_t chunk) const { std::fill_n(first(chunk), 2 * channels, 0.0); }
  void combine() const {  // everything into chunk 0, in chunk order
    for (std::int64_t chunk = 1; chunk < chunks.count; ++chunk)
      for (int i = 0; i < 2 * channels; ++i) first(0)[i] += first(chunk)[i];
  }

  RowChunks chunks;
  int channels;
  double* partials;
};

}  // namespace

std::size_t CpuBackend::batch_norm_workspace_bytes(const BatchNormSpec& spec) const {
  return Scratch::bytes(spec);
}

void CpuBackend::batch_norm_statistics(const BatchNormSpec& spec, const float* x, const float* gamma,
                                       const float* beta, float* running_mean, float* running_var,
                                       BatchNormSaved saved, Workspace workspace) {
  check(spec);
  check_workspace("batch norm", workspace, Scratch::bytes(spec));
  const Scratch scratch(spec, workspace);
  const int channels = spec.channels;
  parallel_for(threads_, scratch.chunks.count, [&](std::int64_t chunk) {
    scratch.clear(chunk);
    const std::int64_t begin = chunk * scratch.chunks.size;
    const std::int64_t end = std::min<std::int64_t>(spec.rows, begin + scratch.chunks.size);
    for_channel_blocks(channels, [&]<class V, int N>(int c) {
      V shift[N];
      for (int i = 0; i < N; ++i) shift[i] = load<V>(x + c + i * kWidth<V>);
      add_row_sums<V, N>(
          begin, end, channels, c,
          [&](int, std::int64_t at, int i, V& sum, V& sum_sq) {
            const V value = load<V>(x + at) - shift[i];
            sum += value;
            sum_sq += value * value;
          },
          scratch.first(chunk), scratch.second(chunk));
    });
  });
  scratch.combine();
  const double rows = spec.rows;
  for (int c = 0; c < channels; ++c) {
    const double shifted_mean = scratch.first(0)[c] / rows;
    const double variance = std::max(0.0, scratch.second(0)[c] / rows - shifted_mean * shifted_mean);
    const double mean = double(x[c]) + shifted_mean;
    const double inv_std = 1.0 / std::sqrt(variance + double(spec.epsilon));
    const double scale = (gamma != nullptr ? double(gamma[c]) : 1.0) * inv_std;
    saved.mean[c] = float(mean);
    saved.inv_std[c] = float(inv_std);
    saved.scale[c] = float(scale);
    saved.shift[c] = float((beta != nullptr ? double(beta[c]) : 0.0) - mean * scale);
    const double unbiased = spec.rows > 1 ? variance * rows / (rows - 1.0) : variance;
    const double keep = 1.0 - double(spec.momentum), take = spec.momentum;
    running_mean[c] = float(keep * double(running_mean[c]) + take * mean);
    running_var[c] = float(keep * double(running_var[c]) + take * unbiased);
  }
}

void CpuBackend::batch_norm_backward(const BatchNormSpec& spec, const float* x, const float* dy,
                                     BatchNormSaved saved, float* dx, float* dgamma, float* dbeta,
                                     Workspace workspace) {
  check(spec);
  check_workspace("batch norm", workspace, Scratch::bytes(spec));
  const Scratch scratch(spec, workspace);
  const int channels = spec.channels;
  parallel_for(threads_, scratch.chunks.count, [&](std::int64_t chunk) {
    scratch.clear(chunk);
    const std::int64_t begin = chunk * scratch.chunks.size;
    const std::int64_t end = std::min<std::int64_t>(spec.rows, begin + scratch.chunks.size);
    for_channel_blocks(channels, [&]<class V, int N>(int c) {
      V mean[N];
      for (int i = 0; i < N; ++i) mean[i] = load<V>(saved.mean + c + i * kWidth<V>);
      add_row_sums<V, N>(
          begin, end, channels, c,
          [&](int, std::int64_t at, int i, V& sum_dy, V& sum_dy_x) {
            const V gradient = load<V>(dy + at);
            sum_dy += gradient;
            sum_dy_x += gradient * (load<V>(x + at) - mean[i]);
          },
          scratch.first(chunk), scratch.second(chunk));
    });
  });
  scratch.combine();
  // dx = scale * (dy - sum_dy/M - (x - mean) * inv_std^2 * sum_dy_x/M) = scale*dy + slope*(x - mean) + offset
  float* const slope = scratch.coefficients();
  float* const offset = slope + channels;
  for (int c = 0; c < channels; ++c) {
    const double sum_dy = scratch.first(0)[c], sum_dy_x = scratch.second(0)[c];
    const double inv_std = saved.inv_std[c], scale = saved.scale[c];
    if (dgamma != nullptr) dgamma[c] = float(sum_dy_x * inv_std);
    if (dbeta != nullptr) dbeta[c] = float(sum_dy);
    slope[c] = float(-scale * inv_std * inv_std * sum_dy_x / spec.rows);
    offset[c] = float(-scale * sum_dy / spec.rows);
  }
  parallel_ranges(threads_, spec.rows, items_per_block(std::int64_t(sizeof(float)) * channels),
                  [&](std::int64_t begin, std::int64_t end) {
                    for_channel_blocks(channels, [&]<class V, int N>(int c) {
                      for (std::int64_t m = begin; m < end; ++m)
                        for (int i = 0; i < N; ++i) {
                          const int channel = c + i * kWidth<V>;
                          const std::int64_t at = m * channels + channel;
                          const V centred = load<V>(x + at) - load<V>(saved.mean + channel);
                          store<V>(dx + at,
                                   load<V>(saved.scale + channel) * load<V>(dy + at) +
                                       (load<V>(slope + channel) * centred + load<V>(offset + channel)));
                        }
                    });
                  });
}

void CpuBackend::batch_norm_inference(const BatchNormSpec& spec, const float* gamma, const float* beta,
                                      const float* running_mean, const float* running_var,
                                      BatchNormSaved saved) {
  check(spec);
  for (int c = 0; c < spec.channels; ++c) {
    const double mean = running_mean[c];
    const double inv_std = 1.0 / std::sqrt(double(running_var[c]) + double(spec.epsilon));
    const double scale = (gamma != nullptr ? double(gamma[c]) : 1.0) * inv_std;
    saved.mean[c] = float(mean);
    saved.inv_std[c] = float(inv_std);
    saved.scale[c] = float(scale);
    saved.shift[c] = float((beta != nullptr ? double(beta[c]) : 0.0) - mean * scale);
  }
}

}  // namespace rlnas
