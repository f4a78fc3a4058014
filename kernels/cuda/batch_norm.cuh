// Batch normalisation of an [M, C] matrix: statistics, gradient and evaluation mode.
//
// Both passes over the tensor sum two things per channel: blocks take a chunk of rows, threads a few rows
// each in float, the columns of a block and then the chunks are added up in double by fixed trees.
// Statistics are taken about the chunk's own first row and combined by Chan's formula, so nothing cancels
// when the mean is large. One block a channel finishes: its 128 threads share the chunks, for a serial loop
// over hundreds of chunks would cost more than the pass itself.
//
// Launch: MatrixTiling, 256 threads, kRowsPerThread rows each.
//
// Bytes: 4 an element for statistics, 8 for the gradient's sums, 12 for its application; everything else is
// C * chunks. Flops: 3 to 4 an element.
//
// Expected: 75-85 % of memory bandwidth on A100 and H100 for 16 MiB and more, by arithmetic, not measured
// (each thread has kRowsPerThread / 4 loads of 16 bytes in flight); small tensors are bound by launch
// latency.
//
// Determinism: bit-equal from run to run; chunks depend on the spec alone.
#pragma once

#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/tiling.cuh"
#include "kernels/spec_checks.h"

namespace rlnas {

inline constexpr int kRowsPerThread = 16;
inline constexpr int kFinishThreads = 128, kFinishBlocks = 4;

// How the sums are laid out: doubles [chunk][2][C] of the workspace, then floats [2][C], slope and offset of
// the gradient. The width is fixed by C alone, so that a workspace fits whatever pointers come with it.
struct BatchNormChunks {
  std::int64_t rows_per_chunk, count;

  BatchNormChunks(const BatchNormSpec& spec, int width)
      : rows_per_chunk(std::int64_t(MatrixTiling(spec.channels, width).rows) * kRowsPerThread),
        count(ceil_div(std::int64_t(spec.rows), rows_per_chunk)) {}
};

// Two sums per channel over the rows of a chunk, from add(at, c, values): values[2i] and [2i+1] belong to
// channel c + i.
template <int Width, class Add>
__device__ __forceinline__ void sum_chunk(int rows, int channels, double* sums, const Add& add) {
  RLNAS_SHARED(double, scratch, 2 * Width * kTileThreads);
  const int c = tile_channel<Width>();
  float values[2 * Width] = {};
  if (c < channels) {
    const std::int64_t begin = std::int64_t(blockIdx.x) * blockDim.y * kRowsPerThread + threadIdx.y;
    for (int i = 0; i < kRowsPerThread; ++i) {
      const std::int64_t m = begin + std::int64_t(i) * blockDim.y;
      if (m < rows) add(m * channels + c, c, values);
    }
  }
  double totals[2 * Width];
  for (int i = 0; i < 2 * Width; ++i) totals[i] = double(values[i]);
  column_sums(totals, scratch);
  if (threadIdx.y != 0 || c >= channels) return;
  double* const out = sums + std::int64_t(blockIdx.x) * 2 * channels + c;
  for (int i = 0; i < Width; ++i) {
    out[i] = totals[2 * i];
    out[channels + i] = totals[2 * i + 1];
  }
}

// x [M,C] -> sums [chunk][2][C] of x - origin and its square, origin being the chunk's first row
template <int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    batch_norm_moments_kernel(int rows, int channels, const float* x, double* sums) {
  const std::int64_t first_row = std::int64_t(blockIdx.x) * blockDim.y * kRowsPerThread;
  const int c = tile_channel<Width>();
  Pack<Width> origin{};
  if (c < channels) origin = load_pack<Width>(x + first_row * channels + c);
  sum_chunk<Width>(rows, channels, sums, [&](std::int64_t at, int, float(&values)[2 * Width]) {
    const Pack<Width> row = load_pack<Width>(x + at);
    for (int i = 0; i < Width; ++i) {
      const float value = row.value[i] - origin.value[i];
      values[2 * i] += value;
      values[2 * i + 1] = fmaf(value, value, values[2 * i + 1]);
    }
  });
}

// x, dy [M,C] -> sums [chunk][2][C] of dy and dy * (x - mean); a null mean is zero
template <int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    batch_norm_gradient_moments_kernel(int rows, int channels, const float* x, const float* dy,
                                       const float* mean, double* sums) {
  const int channel = tile_channel<Width>();
  Pack<Width> centre{};
  if (mean != nullptr && channel < channels) centre = load_pack<Width>(mean + channel);
  sum_chunk<Width>(rows, channels, sums, [&](std::int64_t at, int, float(&values)[2 * Width]) {
    const Pack<Width> row = load_pack<Width>(x + at), gradient = load_pack<Width>(dy + at);
    for (int i = 0; i < Width; ++i) {
      values[2 * i] += gradient.value[i];
      values[2 * i + 1] = fmaf(gradient.value[i], row.value[i] - centre.value[i], values[2 * i + 1]);
    }
  });
}

// One block a channel: dots [C] from the second sums.
__global__ void __launch_bounds__(kFinishThreads, kFinishBlocks)
    channel_dots_finish_kernel(int channels, std::int64_t chunk_count, const double* sums, float* dots) {
  RLNAS_SHARED(double, scratch, kFinishThreads / kWarp);
  const int c = int(blockIdx.x);
  double total = 0.0;
  for (std::int64_t k = threadIdx.x; k < chunk_count; k += kFinishThreads)
    total += sums[(k * 2 + 1) * channels + c];
  total = block_sum<kFinishThreads, double>(total, scratch);
  if (threadIdx.x == 0) dots[c] = float(total);
}

// What a pass leaves behind for channel c; gamma and beta may be null.
__device__ __forceinline__ void save_channel(int c, double mean, double variance, float epsilon,
                                             const float* gamma, const float* beta, BatchNormSaved saved) {
  const double inv_std = 1.0 / sqrt(variance + double(epsilon));
  const double scale = (gamma != nullptr ? double(gamma[c]) : 1.0) * inv_std;
  saved.mean[c] = float(mean);
  saved.inv_std[c] = float(inv_std);
  saved.scale[c] = float(scale);
  saved.shift[c] = float((beta != nullptr ? double(beta[c]) : 0.0) - mean * scale);
}

// The running statistics of channel c take in those of this batch; their variance is unbiased.
__device__ __forceinline__ void update_running(int c, const BatchNormSpec& spec, double mean, double variance,
                                               float* running_mean, float* running_var) {
  const double rows = spec.rows;
  const double unbiased = spec.rows > 1 ? variance * rows / (rows - 1.0) : variance;
  const double keep = 1.0 - double(spec.momentum), take = spec.momentum;
  running_mean[c] = float(keep * double(running_mean[c]) + take * mean);
  running_var[c] = float(keep * double(running_var[c]) + take * unbiased);
}

// One block a channel. Chan's formula: squares about the common mean from squares about each chunk's own.
__global__ void __launch_bounds__(kFinishThreads, kFinishBlocks)
    batch_norm_finish_kernel(BatchNormSpec spec, BatchNormChunks chunks, const float* x, const double* sums,
                             const float* gamma, const float* beta, float* running_mean, float* running_var,
                             BatchNormSaved saved) {
  RLNAS_SHARED(double, scratch, kFinishThreads / kWarp);
  const int c = int(blockIdx.x);
  const auto rows_of = [&](std::int64_t k) {
    const std::int64_t left = spec.rows - k * chunks.rows_per_chunk;
    return double(left < chunks.rows_per_chunk ? left : chunks.rows_per_chunk);
  };
  const auto first_of = [&](std::int64_t k) { return sums[k * 2 * spec.channels + c]; };
  const auto mean_of = [&](std::int64_t k) {
    return double(x[k * chunks.rows_per_chunk * spec.channels + c]) + first_of(k) / rows_of(k);
  };
  double total = 0.0;
  for (std::int64_t k = threadIdx.x; k < chunks.count; k += kFinishThreads) total += rows_of(k) * mean_of(k);
  const double rows = spec.rows;
  const double mean = block_sum<kFinishThreads, double>(total, scratch) / rows;
  double squares = 0.0;
  for (std::int64_t k = threadIdx.x; k < chunks.count; k += kFinishThreads) {
    const double first = first_of(k), apart = mean_of(k) - mean;
    squares +=
        sums[(k * 2 + 1) * spec.channels + c] - first * first / rows_of(k) + rows_of(k) * apart * apart;
  }
  squares = block_sum<kFinishThreads, double>(squares, scratch);
  if (threadIdx.x != 0) return;
  const double variance = squares < 0.0 ? 0.0 : squares / rows;  // NaN stays
  save_channel(c, mean, variance, spec.epsilon, gamma, beta, saved);
  update_running(c, spec, mean, variance, running_mean, running_var);
}

// One block a channel: dx = scale*dy + slope*(x - mean) + offset; fills slope and offset [C], and dgamma and
// dbeta [C] unless null.
__global__ void __launch_bounds__(kFinishThreads, kFinishBlocks)
    batch_norm_gradient_finish_kernel(BatchNormSpec spec, std::int64_t chunk_count, const double* sums,
                                      ConstBatchNormSaved saved, float* slope, float* offset, float* dgamma,
                                      float* dbeta) {
  RLNAS_SHARED(double, scratch, kFinishThreads / kWarp);
  const int c = int(blockIdx.x);
  double sum_dy = 0.0, sum_dy_x = 0.0;
  for (std::int64_t k = threadIdx.x; k < chunk_count; k += kFinishThreads) {
    sum_dy += sums[k * 2 * spec.channels + c];
    sum_dy_x += sums[(k * 2 + 1) * spec.channels + c];
  }
  sum_dy = block_sum<kFinishThreads, double>(sum_dy, scratch);
  sum_dy_x = block_sum<kFinishThreads, double>(sum_dy_x, scratch);
  if (threadIdx.x != 0) return;
  const double inv_std = saved.inv_std[c], scale = saved.scale[c], rows = spec.rows;
  if (dgamma != nullptr) dgamma[c] = float(sum_dy_x * inv_std);
  if (dbeta != nullptr) dbeta[c] = float(sum_dy);
  slope[c] = float(-scale * inv_std * inv_std * sum_dy_x / rows);
  offset[c] = float(-scale * sum_dy / rows);
}

// x, dy [M,C] -> dx [M,C], which may be dy
template <int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    batch_norm_apply_gradient_kernel(int rows, int channels, const float* x, const float* dy,
                                     ConstBatchNormSaved saved, const float* slope, const float* offset,
                                     float* dx) {
  const std::int64_t m = tile_row();
  const int c = tile_channel<Width>();
  if (m >= rows || c >= channels) return;
  const std::int64_t at = m * channels + c;
  const Pack<Width> row = load_pack<Width>(x + at), gradient = reload_pack<Width>(dy + at);
  const Pack<Width> mean = load_pack<Width>(saved.mean + c), scale = load_pack<Width>(saved.scale + c),
                    steep = load_pack<Width>(slope + c), base = load_pack<Width>(offset + c);
  Pack<Width> result;
  for (int i = 0; i < Width; ++i)
    result.value[i] = fmaf(scale.value[i], gradient.value[i],
                           fmaf(steep.value[i], row.value[i] - mean.value[i], base.value[i]));
  store_pack<Width>(dx + at, result);
}

__global__ void __launch_bounds__(kFinishThreads, kFinishBlocks)
    batch_norm_inference_kernel(BatchNormSpec spec, const float* gamma, const float* beta,
                                const float* running_mean, const float* running_var, BatchNormSaved saved) {
  const int c = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (c < spec.channels)
    save_channel(c, double(running_mean[c]), double(running_var[c]), spec.epsilon, gamma, beta, saved);
}

// What follows from saved.mean and saved.inv_std, where another than the kernels above made them. The
// variance comes out with the rounding of inv_std: within 2^-22 of variance + epsilon.
__global__ void __launch_bounds__(kFinishThreads, kFinishBlocks)
    batch_norm_from_saved_kernel(BatchNormSpec spec, const float* gamma, const float* beta,
                                 float* running_mean, float* running_var, BatchNormSaved saved) {
  const int c = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (c >= spec.channels) return;
  const double mean = saved.mean[c], inv_std = saved.inv_std[c];
  const double above = 1.0 / (inv_std * inv_std) - double(spec.epsilon);
  const double variance = above < 0.0 ? 0.0 : above;  // NaN stays
  save_channel(c, mean, variance, spec.epsilon, gamma, beta, saved);
  update_running(c, spec, mean, variance, running_mean, running_var);
}

// gamma [C] from what it went into
__global__ void __launch_bounds__(kFinishThreads, kFinishBlocks)
    batch_norm_gamma_kernel(int channels, ConstBatchNormSaved saved, float* gamma) {
  const int c = int(blockIdx.x * blockDim.x + threadIdx.x);
  if (c < channels) gamma[c] = saved.scale[c] / saved.inv_std[c];
}

// ---- on the host ----
inline std::size_t batch_norm_scratch_bytes(const BatchNormSpec& spec) {
  const std::size_t channels = std::size_t(spec.channels);
  std::int64_t chunks = 0;
  for (const int width : {1, kVectorWidth}) chunks = std::max(chunks, BatchNormChunks(spec, width).count);
  return std::size_t(chunks) * 2 * channels * sizeof(double) + 2 * channels * sizeof(float);
}

inline void launch_batch_norm_statistics(const BatchNormStatistics& call, Workspace workspace,
                                         GpuStream stream) {
  const auto& [spec, x, gamma, beta, running_mean, running_var, saved] = call;
  check_spec(spec);
  check_workspace("batch norm", workspace, batch_norm_scratch_bytes(spec));
  double* const sums = static_cast<double*>(workspace.data);
  const int width = width_for(spec.channels, {x});
  const BatchNormChunks chunks(spec, width);
  with_width(width, [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    launch("batch_norm_moments_kernel", batch_norm_moments_kernel<kWidth>,
           MatrixTiling(spec.channels, kWidth)
               .shape("batch_norm_moments_kernel", spec.rows, chunks.rows_per_chunk, Cooperation::block),
           stream, spec.rows, spec.channels, x, sums);
  });
  launch("batch_norm_finish_kernel", batch_norm_finish_kernel,
         {{unsigned(spec.channels)}, {unsigned(kFinishThreads)}, Cooperation::block}, stream, spec, chunks, x,
         sums, gamma, beta, running_mean, running_var, saved);
}

inline void launch_batch_norm_backward(const BatchNormBackward& call, Workspace workspace, GpuStream stream) {
  const auto& [spec, x, dy, saved, dx, dgamma, dbeta] = call;
  check_spec(spec);
  check_workspace("batch norm", workspace, batch_norm_scratch_bytes(spec));
  const int width = width_for(spec.channels, {x, dy, dx, saved.mean, saved.scale, workspace.data});
  const BatchNormChunks chunks(spec, width);
  double* const sums = static_cast<double*>(workspace.data);
  float* const slope = reinterpret_cast<float*>(sums + chunks.count * 2 * spec.channels);
  float* const offset = slope + spec.channels;
  const LaunchShape finish{{unsigned(spec.channels)}, {unsigned(kFinishThreads)}, Cooperation::block};
  with_width(width, [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    const MatrixTiling tiling(spec.channels, kWidth);
    launch("batch_norm_gradient_moments_kernel", batch_norm_gradient_moments_kernel<kWidth>,
           tiling.shape("batch_norm_gradient_moments_kernel", spec.rows, chunks.rows_per_chunk,
                        Cooperation::block),
           stream, spec.rows, spec.channels, x, dy, saved.mean, sums);
    launch("batch_norm_gradient_finish_kernel", batch_norm_gradient_finish_kernel, finish, stream, spec,
           chunks.count, sums, saved, slope, offset, dgamma, dbeta);
    launch("batch_norm_apply_gradient_kernel", batch_norm_apply_gradient_kernel<kWidth>,
           tiling.shape("batch_norm_apply_gradient_kernel", spec.rows, tiling.rows, Cooperation::independent),
           stream, spec.rows, spec.channels, x, dy, saved, slope, offset, dx);
  });
}

inline void launch_channel_dots(const ChannelDots& call, Workspace workspace, GpuStream stream) {
  const auto& [rows, channels, x, dy, dots] = call;
  const BatchNormSpec spec{.rows = rows, .channels = channels};
  check_spec(spec);
  check_workspace(ChannelDots::kName, workspace, batch_norm_scratch_bytes(spec));
  double* const sums = static_cast<double*>(workspace.data);
  const int width = width_for(channels, {x, dy});
  const BatchNormChunks chunks(spec, width);
  with_width(width, [&](auto constant) {
    constexpr int kWidth = decltype(constant)::value;
    launch("batch_norm_gradient_moments_kernel", batch_norm_gradient_moments_kernel<kWidth>,
           MatrixTiling(channels, kWidth)
               .shape("batch_norm_gradient_moments_kernel", rows, chunks.rows_per_chunk, Cooperation::block),
           stream, rows, channels, x, dy, static_cast<const float*>(nullptr), sums);
  });
  launch("channel_dots_finish_kernel", channel_dots_finish_kernel,
         {{unsigned(channels)}, {unsigned(kFinishThreads)}, Cooperation::block}, stream, channels,
         chunks.count, sums, dots);
}

// A thread a channel.
inline LaunchShape channels_shape(const char* kernel, const BatchNormSpec& spec) {
  return {{grid_blocks(kernel, std::size_t(spec.channels), kFinishThreads)},
          {unsigned(kFinishThreads)},
          Cooperation::independent};
}

inline void launch_batch_norm_inference(const BatchNormInference& call, GpuStream stream) {
  const auto& [spec, gamma, beta, running_mean, running_var, saved] = call;
  check_spec(spec);
  launch("batch_norm_inference_kernel", batch_norm_inference_kernel,
         channels_shape("batch_norm_inference_kernel", spec), stream, spec, gamma, beta, running_mean,
         running_var, saved);
}

}  // namespace rlnas
