#include "kernels/cpu/batch_norm.h"

#include <array>
#include <cmath>
#include <vector>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/elementwise.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vec.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

constexpr std::int64_t kFlushRows = 256;
constexpr std::int64_t kMaxChunks = 64;

RowChunks chunks_of(std::int64_t rows) {
  const std::int64_t flushes = (rows + kFlushRows - 1) / kFlushRows;
  return {rows, (flushes + kMaxChunks - 1) / kMaxChunks * kFlushRows};
}

void check(const BatchNormSpec& spec) {
  RLNAS_CHECK(spec.rows > 0 && spec.channels > 0, run_failed,
              "batch norm: a size in its spec is not positive");
}

// Sums of some channels: float lanes for kFlushRows rows, then doubles. Even and odd rows have lanes of their
// own: two independent chains of additions.
struct Lanes {
  static constexpr int kMaxChannels = 512;
  alignas(64) float sums[2][2][kMaxChannels] = {};  // [first, second][odd][channel]

  void flush(int channels, double* first, double* second) {
    for (int c = 0; c < channels; ++c) {
      first[c] += double(sums[0][0][c] + sums[0][1][c]);
      second[c] += double(sums[1][0][c] + sums[1][1][c]);
    }
    *this = {};
  }
};

// Adds rows [begin, end) of some channels, the first of them c, to their lanes. begin is even.
// pair(at, i, sum0, sum1) reads at element `at` and adds to the two lanes.
template <class V, int N, class Pair>
void add_strip(std::int64_t begin, std::int64_t end, std::int64_t first, int channels, const Pair& pair,
               Lanes& lanes, int lane) {
  V sum0[2][N], sum1[2][N];
  const auto each = [&](const auto& visit) {
    for (int odd = 0; odd < 2; ++odd)
      for (int i = 0; i < N; ++i) {
        visit(lanes.sums[0][odd] + lane + i * kWidth<V>, sum0[odd][i]);
        visit(lanes.sums[1][odd] + lane + i * kWidth<V>, sum1[odd][i]);
      }
  };
  each([](const float* from, V& sum) { sum = load<V>(from); });
  std::int64_t m = begin;
  for (; m + 2 <= end; m += 2)
    for (int odd = 0; odd < 2; ++odd)
      for (int i = 0; i < N; ++i)
        pair((m + odd) * channels + first + i * kWidth<V>, i, sum0[odd][i], sum1[odd][i]);
  for (; m < end; ++m)
    for (int i = 0; i < N; ++i) pair(m * channels + first + i * kWidth<V>, i, sum0[0][i], sum1[0][i]);
  each([](float* to, V& sum) { store<V>(to, sum); });
}

// Two sums per channel over rows [begin, end), into first[c] and second[c].
// make_pair.template operator()<V, N>(c) returns the `pair` of add_strip for the channels from c on.
template <class MakePair>
void add_row_sums(std::int64_t begin, std::int64_t end, int channels, const MakePair& make_pair,
                  double* first, double* second) {
  std::fill_n(first, channels, 0.0);
  std::fill_n(second, channels, 0.0);
  Lanes lanes;
  for (int group = 0; group < channels; group += Lanes::kMaxChannels) {
    const int group_size = std::min(Lanes::kMaxChannels, channels - group);
    const std::int64_t strip = rows_per_strip(group_size) / 2 * 2;
    for (std::int64_t row = begin; row < end; row += kFlushRows) {
      const std::int64_t stop = std::min(end, row + kFlushRows);
      for (std::int64_t m = row; m < stop; m += strip)
        for_channel_blocks(group_size, [&]<class V, int N>(int lane) {
          const int c = group + lane;
          add_strip<V, N>(m, std::min(stop, m + strip), c, channels, make_pair.template operator()<V, N>(c),
                          lanes, lane);
        });
      lanes.flush(group_size, first + group, second + group);
    }
  }
}

// Calls body(first channel, count <= kFinishedChannels) for ranges that cover all channels. Where there are
// few chunks one thread is done before another wakes.
constexpr int kFinishedChannels = 32;
template <class Body>
void for_channel_ranges(int threads, const ConstRowSums& sums, const Body& body) {
  constexpr std::int64_t kFewSums = 4096;
  const bool few = sums.chunks.count() * sums.channels < kFewSums;
  parallel_ranges(few ? 1 : threads, sums.channels, kFinishedChannels,
                  [&](std::int64_t begin, std::int64_t end) { body(int(begin), int(end - begin)); });
}

// Adds the sums of all chunks, in their order, for channels begin..begin+count-1.
void add_chunks(const ConstRowSums& sums, int begin, int count, double* first, double* second) {
  for (std::int64_t k = 0; k < sums.chunks.count(); ++k)
    for (int i = 0; i < count; ++i) {
      first[i] += sums.first(k)[begin + i];
      second[i] += sums.second(k)[begin + i];
    }
}

// What the forward pass of channel c leaves behind; gamma and beta may be null.
void save_channel(const BatchNormSpec& spec, int c, double mean, double variance, const float* gamma,
                  const float* beta, BatchNormSaved saved) {
  const double inv_std = 1.0 / std::sqrt(variance + double(spec.epsilon));
  const double scale = (gamma != nullptr ? double(gamma[c]) : 1.0) * inv_std;
  saved.mean[c] = float(mean);
  saved.inv_std[c] = float(inv_std);
  saved.scale[c] = float(scale);
  saved.shift[c] = float((beta != nullptr ? double(beta[c]) : 0.0) - mean * scale);
}

// Workspace: the sums of all chunks, then floats [2][C] (slope and offset of the backward pass).
struct Scratch {
  Scratch(const BatchNormSpec& spec, const Workspace& workspace)
      : sums{chunks_of(spec.rows), spec.channels, static_cast<double*>(workspace.data)} {}

  static std::size_t bytes(const BatchNormSpec& spec) {
    return RowSums::bytes(chunks_of(spec.rows), spec.channels) +
           2 * std::size_t(spec.channels) * sizeof(float);
  }
  float* slope() const { return reinterpret_cast<float*>(sums.first(sums.chunks.count())); }
  float* offset() const { return slope() + sums.channels; }

  RowSums sums;
};

}  // namespace

void add_moments(const RowSums& sums, std::int64_t chunk, const float* x) {
  const std::int64_t begin = sums.chunks.begin(chunk);
  const float* const origin = x + begin * sums.channels;
  add_row_sums(
      begin, sums.chunks.end(chunk), sums.channels,
      [&]<class V, int N>(int c) {
        std::array<V, N> shift;
        for (int i = 0; i < N; ++i) shift[std::size_t(i)] = load<V>(origin + c + i * kWidth<V>);
        return [x, shift](std::int64_t at, int i, V& sum, V& sum_sq) {
          const V value = load<V>(x + at) - shift[std::size_t(i)];
          sum += value;
          sum_sq += value * value;
        };
      },
      sums.first(chunk), sums.second(chunk));
}

void finish_statistics(int threads, const BatchNormSpec& spec, const ConstRowSums& sums, const float* x,
                       const float* gamma, const float* beta, float* running_mean, float* running_var,
                       BatchNormSaved saved) {
  const RowChunks& chunks = sums.chunks;
  const double rows = double(chunks.rows);
  // Chan's formula: squares about the common mean from squares about each chunk's own.
  for_channel_ranges(threads, sums, [&](int begin, int count) {
    const auto rows_of = [&](std::int64_t k) { return double(chunks.end(k) - chunks.begin(k)); };
    const auto mean_of = [&](std::int64_t k, int c) {
      return double(x[chunks.begin(k) * sums.channels + c]) + sums.first(k)[c] / rows_of(k);
    };
    double means[kFinishedChannels] = {}, squares[kFinishedChannels] = {};
    for (std::int64_t k = 0; k < chunks.count(); ++k)
      for (int i = 0; i < count; ++i) means[i] += rows_of(k) * mean_of(k, begin + i);
    for (int i = 0; i < count; ++i) means[i] /= rows;
    for (std::int64_t k = 0; k < chunks.count(); ++k)
      for (int i = 0; i < count; ++i) {
        const double first = sums.first(k)[begin + i], apart = mean_of(k, begin + i) - means[i];
        squares[i] += sums.second(k)[begin + i] - first * first / rows_of(k) + rows_of(k) * apart * apart;
      }
    for (int i = 0; i < count; ++i) {
      const int c = begin + i;
      const double variance = std::max(0.0, squares[i] / rows);
      save_channel(spec, c, means[i], variance, gamma, beta, saved);
      const double unbiased = spec.rows > 1 ? variance * rows / (rows - 1.0) : variance;
      const double keep = 1.0 - double(spec.momentum), take = spec.momentum;
      running_mean[c] = float(keep * double(running_mean[c]) + take * means[i]);
      running_var[c] = float(keep * double(running_var[c]) + take * unbiased);
    }
  });
}

void add_gradient_moments(const RowSums& sums, std::int64_t chunk, const float* x, const float* dy,
                          const float* mean) {
  add_row_sums(
      sums.chunks.begin(chunk), sums.chunks.end(chunk), sums.channels,
      [&]<class V, int N>(int c) {
        std::array<V, N> centre;
        for (int i = 0; i < N; ++i) centre[std::size_t(i)] = load<V>(mean + c + i * kWidth<V>);
        return [x, dy, centre](std::int64_t at, int i, V& sum_dy, V& sum_dy_x) {
          const V gradient = load<V>(dy + at);
          sum_dy += gradient;
          sum_dy_x += gradient * (load<V>(x + at) - centre[std::size_t(i)]);
        };
      },
      sums.first(chunk), sums.second(chunk));
}

void add_up(int threads, const ConstRowSums& sums, double* total) {
  for_channel_ranges(threads, sums, [&](int begin, int count) {
    double* const first = total + begin;
    double* const second = first + sums.channels;
    std::fill_n(first, count, 0.0);
    std::fill_n(second, count, 0.0);
    add_chunks(sums, begin, count, first, second);
  });
}

// dx = scale * (dy - sum_dy/M - (x - mean) * inv_std^2 * sum_dy_x/M)
void finish_gradient(int threads, const BatchNormSpec& spec, const ConstRowSums& sums,
                     ConstBatchNormSaved saved, float* slope, float* offset, float* dgamma, float* dbeta) {
  for_channel_ranges(threads, sums, [&](int begin, int count) {
    double sum_dy[kFinishedChannels] = {}, sum_dy_x[kFinishedChannels] = {};
    add_chunks(sums, begin, count, sum_dy, sum_dy_x);
    for (int i = 0; i < count; ++i) {
      const int c = begin + i;
      const double inv_std = saved.inv_std[c], scale = saved.scale[c];
      if (dgamma != nullptr) dgamma[c] = float(sum_dy_x[i] * inv_std);
      if (dbeta != nullptr) dbeta[c] = float(sum_dy[i]);
      slope[c] = float(-scale * inv_std * inv_std * sum_dy_x[i] / spec.rows);
      offset[c] = float(-scale * sum_dy[i] / spec.rows);
    }
  });
}

void apply_gradient(std::int64_t rows, int channels, const float* x, const float* dy,
                    ConstBatchNormSaved saved, const float* slope, const float* offset, float* dx) {
  const std::int64_t strip = rows_per_strip(channels);
  for (std::int64_t row = 0; row < rows; row += strip)
    for_channel_blocks(channels, [&]<class V, int N>(int c) {
      V scale[N], tilt[N], mean[N], rest[N];
      for (int i = 0; i < N; ++i) {
        const int channel = c + i * kWidth<V>;
        scale[i] = load<V>(saved.scale + channel);
        tilt[i] = load<V>(slope + channel);
        mean[i] = load<V>(saved.mean + channel);
        rest[i] = load<V>(offset + channel);
      }
      const std::int64_t end = std::min(rows, row + strip);
      for (std::int64_t m = row; m < end; ++m)
        for (int i = 0; i < N; ++i) {
          const std::int64_t at = m * channels + c + i * kWidth<V>;
          const V centred = load<V>(x + at) - mean[i];
          store<V>(dx + at, scale[i] * load<V>(dy + at) + (tilt[i] * centred + rest[i]));
        }
    });
}

std::size_t CpuBackend::workspace_bytes(const BatchNormStatistics& call) {
  return Scratch::bytes(call.spec);
}

std::size_t CpuBackend::workspace_bytes(const BatchNormBackward& call) {
  return Scratch::bytes(call.spec);
}

void CpuBackend::run(const BatchNormStatistics& call, Workspace workspace) {
  const BatchNormSpec& spec = call.spec;
  const float* const x = call.x;
  check(spec);
  check_workspace("batch norm", workspace, Scratch::bytes(spec));
  const Scratch scratch(spec, workspace);
  parallel_for(threads_, scratch.sums.chunks.count(),
               [&](std::int64_t chunk) { add_moments(scratch.sums, chunk, x); });
  finish_statistics(threads_, spec, scratch.sums, x, call.gamma, call.beta, call.running_mean,
                    call.running_var, call.saved);
}

void CpuBackend::run(const BatchNormBackward& call, Workspace workspace) {
  const BatchNormSpec& spec = call.spec;
  const ConstBatchNormSaved& saved = call.saved;
  const float *const x = call.x, *dy = call.dy;
  float* const dx = call.dx;
  check(spec);
  check_workspace("batch norm", workspace, Scratch::bytes(spec));
  const Scratch scratch(spec, workspace);
  if (call.activation != Activation::none) {
    pass_back_norm(call.activation, spec.rows, spec.channels, x, saved, dy, dx);
    dy = dx;
  }
  const int channels = spec.channels;
  parallel_for(threads_, scratch.sums.chunks.count(),
               [&](std::int64_t chunk) { add_gradient_moments(scratch.sums, chunk, x, dy, saved.mean); });
  finish_gradient(threads_, spec, scratch.sums, saved, scratch.slope(), scratch.offset(), call.dgamma,
                  call.dbeta);
  parallel_ranges(threads_, spec.rows, items_per_block(std::int64_t(sizeof(float)) * channels),
                  [&](std::int64_t begin, std::int64_t end) {
                    const std::int64_t at = begin * channels;
                    apply_gradient(end - begin, channels, x + at, dy + at, saved, scratch.slope(),
                                   scratch.offset(), dx + at);
                  });
}

void CpuBackend::run(const BatchNormInference& call, Workspace) {
  const auto& [spec, gamma, beta, running_mean, running_var, saved] = call;
  check(spec);
  for (int c = 0; c < spec.channels; ++c)
    save_channel(spec, c, running_mean[c], running_var[c], gamma, beta, saved);
}

std::size_t CpuBackend::workspace_bytes(const ChannelDots& call) {
  return RowSums::bytes(chunks_of(call.rows), call.channels);
}

// The second sums of a gradient about a mean of zero.
void CpuBackend::run(const ChannelDots& call, Workspace workspace) {
  const int rows = call.rows, channels = call.channels;
  const float *const x = call.x, *const dy = call.dy;
  check({.rows = rows, .channels = channels});
  check_workspace(ChannelDots::kName, workspace, workspace_bytes(call));
  const RowSums sums{chunks_of(rows), channels, static_cast<double*>(workspace.data)};
  const std::vector<float> zeros(std::size_t(channels), 0.0f);
  parallel_for(threads_, sums.chunks.count(),
               [&](std::int64_t chunk) { add_gradient_moments(sums, chunk, x, dy, zeros.data()); });
  for_channel_ranges(threads_, sums, [&](int begin, int count) {
    double first[kFinishedChannels] = {}, second[kFinishedChannels] = {};
    add_chunks(sums, begin, count, first, second);
    for (int i = 0; i < count; ++i) call.dots[begin + i] = float(second[i]);
  });
}

}  // namespace rlnas
