// Batch normalisation of an [M, C] matrix: statistics, gradient and evaluation mode.
//
// Both passes over the tensor sum two things per channel: blocks take a chunk of rows, threads their rows,
// kRowsInFloat at a time in float and those in double, the columns of a block by a fixed tree in double. The
// last block of a tile of channels adds up the chunks in the same way and finishes. Statistics are taken
// about the chunk's own first row, so that nothing cancels when the mean is large, and brought to the first
// row of all in double.
//
// Launch: MatrixTiling, 256 threads; as many chunks as a device holds blocks, but no more than the last block
// adds up in the time that another launch would take (256 KiB).
//
// Bytes: 4 an element for statistics, 8 for the gradient's sums, 12 for its application, half of them in
// bf16; everything else is C * chunks. Flops: 3 to 4 an element.
//
// Expected: 75-85 % of memory bandwidth on A100 and H100 for 16 MiB and more, by arithmetic, not measured
// (each thread has up to kRowsInFloat loads of 16 bytes in flight); small tensors are bound by launch
// latency: one kernel forwards, two backwards.
//
// Determinism: bit-equal from run to run; chunks depend on the spec alone. The one atomic counts blocks.
#pragma once

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/channel_sums.cuh"
#include "kernels/cuda/norm_results.cuh"
#include "kernels/spec_checks.h"

namespace rlnas {

inline constexpr int kRowsInFloat = 16;
inline constexpr int kFinishThreads = 128, kFinishBlocks = 4;

// How the sums are laid out: doubles [chunk][2][C] of the workspace, then floats [2][C], slope and offset of
// the gradient. The width is fixed by C alone, so that a workspace fits whatever pointers come with it.
struct BatchNormChunks {
  static constexpr int kMostChunks = 512;  // 132 multiprocessors hold 3 to 5 blocks each
  static constexpr int kMostSums = (256 << 10) / (2 * int(sizeof(double)));  // of a tile, a channel each
  static constexpr int kFewestRows = 2;                                      // of a thread
  std::int64_t rows_per_chunk, count;

  BatchNormChunks(const BatchNormSpec& spec, int width) {
    const MatrixTiling tiling(spec.channels, width);
    const std::int64_t most = std::min(kMostChunks, kMostSums / (tiling.columns * width));
    const std::int64_t rows_per_thread =
        ceil_div(ceil_div(std::int64_t(spec.rows), std::int64_t(tiling.rows)), most);
    rows_per_chunk = std::max<std::int64_t>(rows_per_thread, kFewestRows) * tiling.rows;
    count = ceil_div(std::int64_t(spec.rows), rows_per_chunk);
  }

  std::uint64_t bytes(const BatchNormSpec& spec) const {  // of the doubles
    return double_bytes(2 * std::size_t(count) * std::size_t(spec.channels));
  }
};

// Two sums per channel over the rows of this block's chunk, from add(at, c, values): values[2i] and [2i+1]
// belong to channel c + i. Threads with y = 0 get them.
template <int Width, class Add>
__device__ __forceinline__ void sum_chunk(int rows, int channels, std::int64_t rows_per_chunk,
                                          double (&totals)[2 * Width], SharedPointer<double> scratch,
                                          const Add& add) {
  const int c = tile_channel<Width>();
  if (c < channels) {
    const std::int64_t begin = std::int64_t(blockIdx.x) * rows_per_chunk;
    const std::int64_t end = begin + rows_per_chunk < rows ? begin + rows_per_chunk : rows;
    for (std::int64_t at = begin + threadIdx.y; at < end; at += std::int64_t(blockDim.y) * kRowsInFloat) {
      float values[2 * Width] = {};
      RLNAS_UNROLL
      for (int i = 0; i < kRowsInFloat; ++i) {
        const std::int64_t m = at + std::int64_t(i) * blockDim.y;
        if (m < end) add(m * channels + c, values);
      }
      RLNAS_UNROLL
      for (int i = 0; i < 2 * Width; ++i) totals[i] += double(values[i]);
    }
  }
  column_sums(totals, scratch);
}

// x [M,C] -> mean and variance of each channel, by way of sums [chunk][2][C] of x - x[0] and its square
template <class E, int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    batch_norm_statistics_kernel(BatchNormSpec spec, BatchNormChunks chunks, const E* x, double* sums,
                                 unsigned* counters, BatchNormResult result) {
  RLNAS_SHARED(double, scratch, 2 * Width * kTileThreads);
  const int channels = spec.channels, c = tile_channel<Width>();
  const std::int64_t first_row = std::int64_t(blockIdx.x) * chunks.rows_per_chunk;
  Pack<Width> origin{};
  if (c < channels) origin = load_pack<Width>(x + first_row * channels + c);
  double totals[2 * Width] = {};
  sum_chunk<Width>(spec.rows, channels, chunks.rows_per_chunk, totals, scratch,
                   [&](std::int64_t at, float(&values)[2 * Width]) {
                     const Pack<Width> row = load_pack<Width>(x + at);
                     RLNAS_UNROLL
                     for (int i = 0; i < Width; ++i) {
                       const float value = row.value[i] - origin.value[i];
                       values[2 * i] += value;
                       values[2 * i + 1] = fmaf(value, value, values[2 * i + 1]);
                     }
                   });
  // From the chunk's first row to the first of all.
  if (c < channels) {
    const std::int64_t left = spec.rows - first_row;
    const double rows = double(left < chunks.rows_per_chunk ? left : chunks.rows_per_chunk);
    RLNAS_UNROLL
    for (int i = 0; i < Width; ++i) {
      const double apart = double(origin.value[i]) - double(load_value(x + c + i)), first = totals[2 * i];
      totals[2 * i] = first + rows * apart;
      totals[2 * i + 1] += apart * (2.0 * first + rows * apart);
    }
  }
  finish_sums<Width>(
      channels, totals, sums, counters, scratch, [&](int channel, double first, double second) {
        const double rows = spec.rows, apart = first / rows;
        const double mean = double(load_value(x + channel)) + apart, squares = second / rows - apart * apart;
        finish_statistics(channel, spec, mean, squares, result);
      });
}

// The gradient of what a norm made, or where kMasked of what an activation made of that.
template <int Width, bool kMasked>
class MaskedGradient {
 public:
  __device__ __forceinline__ MaskedGradient(ConstBatchNormSaved saved, const ActivationBounds& bounds, int c)
      : bounds_(bounds) {
    if constexpr (kMasked) {
      scale_ = load_pack<Width>(saved.scale + c);
      shift_ = load_pack<Width>(saved.shift + c);
    }
  }
  __device__ __forceinline__ Pack<Width> of(const Pack<Width>& dy, const Pack<Width>& x) const {
    if constexpr (kMasked) return passed_on(normed(x, scale_, shift_), dy, bounds_);
    return dy;
  }

 private:
  ActivationBounds bounds_;
  Pack<Width> scale_, shift_;
};

// x, dy [M,C] -> the result of each channel, by way of sums [chunk][2][C] of dy and dy * (x - mean)
template <class E, int Width, bool kMasked>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    batch_norm_gradient_sums_kernel(BatchNormSpec spec, BatchNormChunks chunks, const E* x, const E* dy,
                                    ConstBatchNormSaved saved, ActivationBounds bounds, double* sums,
                                    unsigned* counters, BatchNormGradientResult result) {
  RLNAS_SHARED(double, scratch, 2 * Width * kTileThreads);
  const int channels = spec.channels, c = tile_channel<Width>(), inside = c < channels ? c : 0;
  const Pack<Width> centre = load_pack<Width>(saved.mean + inside);
  const MaskedGradient<Width, kMasked> masked(saved, bounds, inside);
  double totals[2 * Width] = {};
  sum_chunk<Width>(spec.rows, channels, chunks.rows_per_chunk, totals, scratch,
                   [&](std::int64_t at, float(&values)[2 * Width]) {
                     const Pack<Width> row = load_pack<Width>(x + at);
                     const Pack<Width> gradient = masked.of(load_pack<Width>(dy + at), row);
                     RLNAS_UNROLL
                     for (int i = 0; i < Width; ++i) {
                       values[2 * i] += gradient.value[i];
                       values[2 * i + 1] =
                           fmaf(gradient.value[i], row.value[i] - centre.value[i], values[2 * i + 1]);
                     }
                   });
  finish_sums<Width>(channels, totals, sums, counters, scratch,
                     [&](int channel, double sum_dy, double sum_dy_x) {
                       finish_gradient(channel, spec.rows, sum_dy, sum_dy_x, saved, result);
                     });
}

// x, dy [M,C] -> dots [C] of x * dy, by way of sums [chunk][2][C], the first of which are zeros
template <class E, int Width>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    channel_dots_kernel(int rows, int channels, BatchNormChunks chunks, const E* x, const E* dy, double* sums,
                        unsigned* counters, float* dots) {
  RLNAS_SHARED(double, scratch, 2 * Width * kTileThreads);
  double totals[2 * Width] = {};
  sum_chunk<Width>(rows, channels, chunks.rows_per_chunk, totals, scratch,
                   [&](std::int64_t at, float(&values)[2 * Width]) {
                     const Pack<Width> row = load_pack<Width>(x + at), gradient = load_pack<Width>(dy + at);
                     RLNAS_UNROLL
                     for (int i = 0; i < Width; ++i)
                       values[2 * i + 1] = fmaf(gradient.value[i], row.value[i], values[2 * i + 1]);
                   });
  finish_sums<Width>(channels, totals, sums, counters, scratch,
                     [&](int channel, double, double dot) { dots[channel] = float(dot); });
}

// x, dy [M,C] -> dx [M,C], which may be dy. What is noted of gamma and beta goes to `wanted`, where that is
// not null.
template <class E, int Width, bool kMasked>
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    batch_norm_apply_gradient_kernel(int rows, int channels, const E* x, const E* dy,
                                     ConstBatchNormSaved saved, ActivationBounds bounds, BatchNormNote note,
                                     BatchNormGradientResult wanted, E* dx) {
  const std::int64_t m = tile_row();
  const int c = tile_channel<Width>();
  if (m >= rows || c >= channels) return;
  for (int i = 0; m == 0 && i < Width; ++i) {
    if (wanted.dgamma != nullptr) wanted.dgamma[c + i] = note.dgamma[c + i];
    if (wanted.dbeta != nullptr) wanted.dbeta[c + i] = note.dbeta[c + i];
  }
  const std::int64_t at = m * channels + c;
  const MaskedGradient<Width, kMasked> masked(saved, bounds, c);
  const Pack<Width> row = load_pack<Width>(x + at);
  const Pack<Width> gradient = masked.of(reload_pack<Width>(dy + at), row);
  const Pack<Width> mean = load_pack<Width>(saved.mean + c), scale = load_pack<Width>(saved.scale + c),
                    slope = load_pack<Width>(note.slope + c), offset = load_pack<Width>(note.offset + c);
  store_pack<Width>(dx + at, norm_gradient(gradient, row, mean, scale, slope, offset));
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
inline std::uint64_t channel_bytes(const BatchNormSpec& spec, std::size_t vectors) {
  return float_bytes(vectors * std::size_t(spec.channels));
}

inline std::size_t batch_norm_scratch_bytes(const BatchNormSpec& spec) {
  const std::size_t channels = std::size_t(spec.channels);
  std::int64_t chunks = 0;
  for (const int width : {1, kVectorWidth}) chunks = std::max(chunks, BatchNormChunks(spec, width).count);
  return std::size_t(chunks) * 2 * channels * sizeof(double) + 2 * channels * sizeof(float);
}

// `counters` [kBlockCounters], zeros between the kernels of a stream.
inline void launch_batch_norm_statistics(const BatchNormStatistics& call, Workspace workspace,
                                         unsigned* counters, GpuStream stream) {
  const BatchNormSpec& spec = call.spec;
  check_spec(spec);
  check_workspace("batch norm", workspace, batch_norm_scratch_bytes(spec));
  double* const sums = static_cast<double*>(workspace.data);
  const BatchNormResult result{call.gamma, call.beta, call.running_mean, call.running_var, call.saved};
  const int width = width_for(spec.channels, {call.x.data()});
  const BatchNormChunks chunks(spec, width);
  with_packs(call.x.element(), width, [&](auto zero, auto constant) {
    using E = decltype(zero);
    constexpr int kWidth = decltype(constant)::value;
    const MatrixTiling tiling(spec.channels, kWidth);
    check_tiles(tiling);
    constexpr const char* kName = "batch_norm_statistics_kernel";
    launch(kName, batch_norm_statistics_kernel<E, kWidth>,
           tiling.shape(kName, spec.rows, chunks.rows_per_chunk, Cooperation::block)
               .costing({value_bytes<E>(spec.count()) + channel_bytes(spec, 4),
                         chunks.bytes(spec) + channel_bytes(spec, 6), 4 * spec.count()}),
           stream, spec, chunks, call.x.template as<E>(), sums, counters, result);
  });
}

// Calls body(constant width, constant whether masked).
template <int Most, class Body>
void with_masked_width(int width, Activation activation, const Body& body) {
  with_width<Most>(width, [&](auto constant) {
    if (activation == Activation::none)
      body(constant, std::false_type{});
    else
      body(constant, std::true_type{});
  });
}

// The gradient from its sums: those of `note`, of which dgamma and dbeta go to `call`'s, where that has any.
template <class E>
void launch_batch_norm_apply(const BatchNormBackward& call, const BatchNormNote& note, GpuStream stream) {
  const BatchNormSpec& spec = call.spec;
  const ConstBatchNormSaved& saved = call.saved;
  const E *const x = call.x.as<E>(), *const dy = call.dy.as<E>();
  E* const dx = call.dx.as<E>();
  constexpr int kMost = kVectorWidthOf<E>;
  const int width = width_for(
      spec.channels, {x, dy, dx, saved.mean, saved.scale, saved.shift, note.slope, note.offset}, kMost);
  const bool copies = call.dgamma != nullptr || call.dbeta != nullptr;
  with_masked_width<kMost>(width, call.activation, [&](auto constant, auto masked) {
    constexpr int kWidth = decltype(constant)::value;
    constexpr bool kMasked = decltype(masked)::value;
    const MatrixTiling tiling(spec.channels, kWidth);
    launch("batch_norm_apply_gradient_kernel", batch_norm_apply_gradient_kernel<E, kWidth, kMasked>,
           tiling.shape("batch_norm_apply_gradient_kernel", spec.rows, tiling.rows, Cooperation::independent)
               .costing({2 * value_bytes<E>(spec.count()) + channel_bytes(spec, 4 + kMasked + 2 * copies),
                         value_bytes<E>(spec.count()) + channel_bytes(spec, 2 * copies), 5 * spec.count()}),
           stream, spec.rows, spec.channels, x, dy, saved, bounds_of(call.activation), note,
           BatchNormGradientResult{nullptr, nullptr, call.dgamma, call.dbeta}, dx);
  });
}

inline void launch_batch_norm_apply(const BatchNormBackward& call, const BatchNormNote& note,
                                    GpuStream stream) {
  with_element(call.x.element(),
               [&](auto zero) { launch_batch_norm_apply<decltype(zero)>(call, note, stream); });
}

// The note of the gradient, in the workspace: slope and offset alone. dgamma and dbeta go where `call` says.
inline BatchNormNote launch_batch_norm_gradient_sums(const BatchNormBackward& call, Workspace workspace,
                                                     unsigned* counters, GpuStream stream) {
  const BatchNormSpec& spec = call.spec;
  const ConstBatchNormSaved& saved = call.saved;
  check_spec(spec);
  check_workspace("batch norm", workspace, batch_norm_scratch_bytes(spec));
  const int width = width_for(
      spec.channels, {call.x.data(), call.dy.data(), saved.mean, saved.scale, saved.shift, workspace.data});
  const BatchNormChunks chunks(spec, width);
  double* const sums = static_cast<double*>(workspace.data);
  const BatchNormNote note =
      BatchNormNote::at(sums + chunks.count * 2 * std::int64_t(spec.channels), spec.channels);
  with_element(call.x.element(), [&](auto zero) {
    using E = decltype(zero);
    with_masked_width<kVectorWidth>(width, call.activation, [&](auto constant, auto masked) {
      constexpr int kWidth = decltype(constant)::value;
      constexpr bool kMasked = decltype(masked)::value;
      constexpr const char* kName = "batch_norm_gradient_sums_kernel";
      const MatrixTiling tiling(spec.channels, kWidth);
      check_tiles(tiling);
      launch(kName, batch_norm_gradient_sums_kernel<E, kWidth, kMasked>,
             tiling.shape(kName, spec.rows, chunks.rows_per_chunk, Cooperation::block)
                 .costing({2 * value_bytes<E>(spec.count()) + channel_bytes(spec, 3 + 2 * kMasked),
                           chunks.bytes(spec) + channel_bytes(spec, 4), 4 * spec.count()}),
             stream, spec, chunks, call.x.template as<E>(), call.dy.template as<E>(), saved,
             bounds_of(call.activation), sums, counters,
             BatchNormGradientResult{note.slope, note.offset, call.dgamma, call.dbeta});
    });
  });
  return note;
}

inline void launch_batch_norm_backward(const BatchNormBackward& call, Workspace workspace, unsigned* counters,
                                       GpuStream stream) {
  const BatchNormNote note = launch_batch_norm_gradient_sums(call, workspace, counters, stream);
  BatchNormBackward rest = call;
  rest.dgamma = rest.dbeta = nullptr;  // made by the sums
  launch_batch_norm_apply(rest, note, stream);
}

inline void launch_channel_dots(const ChannelDots& call, Workspace workspace, unsigned* counters,
                                GpuStream stream) {
  const BatchNormSpec spec{.rows = call.rows, .channels = call.channels};
  check_spec(spec);
  check_workspace(ChannelDots::kName, workspace, batch_norm_scratch_bytes(spec));
  double* const sums = static_cast<double*>(workspace.data);
  const int width = width_for(spec.channels, {call.x.data(), call.dy.data()});
  const BatchNormChunks chunks(spec, width);
  with_packs(call.x.element(), width, [&](auto zero, auto constant) {
    using E = decltype(zero);
    constexpr int kWidth = decltype(constant)::value;
    const MatrixTiling tiling(spec.channels, kWidth);
    check_tiles(tiling);
    launch("channel_dots_kernel", channel_dots_kernel<E, kWidth>,
           tiling.shape("channel_dots_kernel", spec.rows, chunks.rows_per_chunk, Cooperation::block)
               .costing({2 * value_bytes<E>(spec.count()), chunks.bytes(spec) + channel_bytes(spec, 1),
                         2 * spec.count()}),
           stream, spec.rows, spec.channels, chunks, call.x.template as<E>(), call.dy.template as<E>(), sums,
           counters, call.dots);
  });
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
         channels_shape("batch_norm_inference_kernel", spec)
             .costing({channel_bytes(spec, 4), channel_bytes(spec, 4)}),
         stream, spec, gamma, beta, running_mean, running_var, saved);
}

}  // namespace rlnas
