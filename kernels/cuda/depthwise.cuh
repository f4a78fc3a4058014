// Depthwise convolution, channels last: forward and gradient of the data (of the weights:
// depthwise_weights.cuh).
//
// Both are one kernel: every thread makes strips of kStrip pixels (strips.cuh) of its group of channels; row
// by row of the filter it holds the taps, loads each pixel that the strip's windows meet once, and adds it to
// all sums it belongs to. A norm and its activation are applied to what is loaded; sums that a norm wants of
// what is stored are taken there, a chunk of strips a block, and finished by the last block
// (channel_sums.cuh).
//
// Launch: MatrixTiling (at most 32 groups of 4 channels: 7x7 filters of 128 channels are 25 KB of shared
// memory, and 17 KB more add up sums).
//
// Bytes: 4(in + out) compulsory, backwards 4 more for an activation's output or the norm's input, and for
// what is added to, half of all that in bf16; reads of a pixel by other rows of the filter meet in the
// caches. Flops: 2*kernel^2 an output.
//
// Expected share of memory bandwidth on A100 and H100 by arithmetic, not measured, of floats: 80 % for 3x3,
// 70 % for 5x5, 55 % for 7x7 (70 bytes of pixels and 49 of taps an output and channel from first-level cache
// and shared memory, which give 8 for each of memory's).
//
// Determinism: no atomics but the count of blocks; bit-equal from run to run.
#pragma once

#include "kernels/cuda/channel_sums.cuh"
#include "kernels/cuda/depthwise_windows.cuh"
#include "kernels/cuda/norm_results.cuh"

namespace rlnas {

inline constexpr int kMaxFilterColumns = 32;

// What it makes, [N,H,W,C]: written, or backwards passed by an activation, and written or added. The
// activation is known from its output, or where `x` is not null from that of the norm that made it.
template <class E>
struct DepthwiseTarget {
  E* to = nullptr;
  const E* activated = nullptr;
  const E* x = nullptr;
  ConstBatchNormSaved norm = {};
  ActivationBounds bounds = {};
  Store store = Store::overwrite;
};

// Where sums of what is made go; none are taken where `sums` is null.
struct DepthwiseSums {
  double* sums = nullptr;        // [chunk][2][C]
  unsigned* counters = nullptr;  // of last_block.cuh
  BatchNormSpec spec = {};       // of the norm behind, or of the one before
  BatchNormResult statistics = {};
  BatchNormGradientResult gradient = {};
};

// source -> target: x -> y forwards, dy -> dx backwards; w [C,1,R,S]
template <class E, ConvPass kPass, int kKernel, bool kStrided, int Width>
__global__ void __launch_bounds__(kTileThreads, kDepthwiseBlocks)
    depthwise_kernel(ConvSpec spec, Strips strips, int strips_per_block, DepthwiseSource<E> source,
                     const float* w, DepthwiseTarget<E> target, DepthwiseSums wanted) {
  using Windows = StripWindows<kPass, kKernel, kStrided>;
  constexpr int kTaps = kKernel * kKernel, kTile = kMaxFilterColumns * Width;
  constexpr bool kForward = kPass == ConvPass::forward;
  RLNAS_SHARED(float, filters, kTaps* kTile);  // [tap][channel of the tile]
  RLNAS_SHARED(float, origins, kTile);
  RLNAS_SHARED(double, scratch, 2 * Width * kTileThreads);
  const int channels = spec.in_channels, tile = int(blockDim.x) * Width, first = int(blockIdx.y) * tile;
  const int staged = (first + tile <= channels ? tile : channels - first) * kTaps;
  for (int i = int(threadIdx.y * blockDim.x + threadIdx.x); i < staged; i += int(blockDim.x * blockDim.y))
    filters[i % kTaps * kTile + i / kTaps] = __ldg(w + std::int64_t(first) * kTaps + i);
  __syncthreads();
  const int c = tile_channel<Width>(), inside = c < channels ? c : 0, own = int(threadIdx.x) * Width;
  const int from_height = kForward ? spec.in_height : spec.out_height();
  const int from_width = kForward ? spec.in_width : spec.out_width();

  Pack<Width> scale{}, shift{}, centre{};
  if (source.scale != nullptr) {
    scale = load_pack<Width>(source.scale + inside);
    shift = load_pack<Width>(source.shift + inside);
  }
  if (!kForward && target.x != nullptr) {
    scale = load_pack<Width>(target.norm.scale + inside);
    shift = load_pack<Width>(target.norm.shift + inside);
    if (wanted.sums != nullptr) centre = load_pack<Width>(target.norm.mean + inside);
  }
  double totals[2 * Width] = {}, made = 0.0;  // pixels, by this thread
  const int begin = int(blockIdx.x) * strips_per_block;
  const int end = begin + strips_per_block < strips.count ? begin + strips_per_block : strips.count;
  for (int at = begin; at < end; at += int(blockDim.y)) {
    const int strip = at + int(threadIdx.y);
    const bool works = strip < end && c < channels;
    Pack<Width> sums[kStrip] = {};
    std::int64_t pixel = 0;
    int pixels = 0;
    if (works) {
      const StripPlace place = place_of(strips, strip);
      const Windows windows(spec, place.column);
      const int start = kForward ? place.row * spec.stride - spec.padding : place.row + spec.padding;
      const E* const image =
          source.from + std::int64_t(place.image) * from_height * from_width * channels + c;
      pixel = (std::int64_t(place.image) * strips.height + place.row) * strips.width + place.column;
      pixels = (strips.width - place.column + strips.step - 1) / strips.step;
      for (int r = 0; r < kKernel; ++r) {
        const int h = tap_source<kPass>(spec, start, r, from_height);
        if (h < 0 || windows.empty) continue;
        Pack<Width> taps[Windows::kTaps];
        RLNAS_UNROLL
        for (int s = 0; s < Windows::kTaps; ++s) {
          const int tap = windows.tap(s);
          RLNAS_UNROLL
          for (int i = 0; i < Width; ++i)
            taps[s].value[i] = tap < kKernel ? float(filters[(r * kKernel + tap) * kTile + own + i]) : 0.0f;
        }
        const E* const line = image + std::int64_t(h) * from_width * channels;
        RLNAS_UNROLL
        for (int i = 0; i < Windows::kReach; ++i) {
          const int v = windows.first + i * strips.source_step;
          if (v < 0 || v >= from_width) continue;
          Pack<Width> value = load_pack<Width>(line + std::int64_t(v) * channels);
          if (kForward && source.scale != nullptr) {
            value = normed(value, scale, shift);
            RLNAS_UNROLL
            for (int k = 0; k < Width; ++k) value.value[k] = clamp(value.value[k], source.bounds);
          }
          RLNAS_UNROLL
          for (int j = 0; j < kStrip; ++j) {
            const int s = i - j * Windows::kApart;
            if (s < 0 || s >= Windows::kTaps) continue;
            RLNAS_UNROLL
            for (int k = 0; k < Width; ++k)
              sums[j].value[k] = fmaf(value.value[k], taps[s].value[k], sums[j].value[k]);
          }
        }
      }
      pixels = pixels < kStrip ? pixels : kStrip;
    }
    // Of the sums about the chunk's first pixel.
    if (kForward && wanted.sums != nullptr && at == begin) {
      if (threadIdx.y == 0 && works) {
        RLNAS_UNROLL
        for (int i = 0; i < Width; ++i) origins[own + i] = sums[0].value[i];
      }
      __syncthreads();
      RLNAS_UNROLL
      for (int i = 0; i < Width; ++i) centre.value[i] = c < channels ? float(origins[own + i]) : 0.0f;
    }
    float values[2 * Width] = {};
    RLNAS_UNROLL
    for (int j = 0; j < kStrip; ++j) {
      if (j >= pixels) continue;
      const std::int64_t to = (pixel + std::int64_t(j) * strips.step) * channels + c;
      Pack<Width> factor = sums[j];
      if constexpr (!kForward) {
        if (target.x != nullptr) {
          factor = load_pack<Width>(target.x + to);
          sums[j] = passed_on(normed(factor, scale, shift), sums[j], target.bounds);
        } else if (target.activated != nullptr) {
          sums[j] = passed_on(load_pack<Width>(target.activated + to), sums[j], target.bounds);
        }
        if (target.store == Store::accumulate) {
          const Pack<Width> before = reload_pack<Width>(target.to + to);
          RLNAS_UNROLL
          for (int i = 0; i < Width; ++i) sums[j].value[i] = before.value[i] + sums[j].value[i];
        }
      }
      sums[j] = rounded<E>(sums[j]);
      store_pack<Width>(target.to + to, sums[j]);
      if (wanted.sums == nullptr) continue;
      RLNAS_UNROLL
      for (int i = 0; i < Width; ++i) {
        const float apart = factor.value[i] - centre.value[i];
        const float gradient = kForward ? apart : sums[j].value[i];
        values[2 * i] += gradient;
        values[2 * i + 1] = fmaf(gradient, apart, values[2 * i + 1]);
      }
    }
    if (wanted.sums == nullptr) continue;
    made += double(pixels);
    RLNAS_UNROLL
    for (int i = 0; i < 2 * Width; ++i) totals[i] += double(values[i]);
  }
  if (wanted.sums == nullptr) return;
  if constexpr (kForward) {  // about zero instead: in double nothing is lost
    RLNAS_UNROLL
    for (int i = 0; i < Width; ++i) {
      const double origin = centre.value[i], sum = totals[2 * i];
      totals[2 * i] = sum + made * origin;
      totals[2 * i + 1] += origin * (2.0 * sum + made * origin);
    }
  }
  column_sums(totals, scratch);
  finish_sums<Width>(channels, totals, wanted.sums, wanted.counters, scratch,
                     [&](int channel, double first_sum, double second_sum) {
                       const double rows = wanted.spec.rows;
                       if constexpr (kForward) {
                         const double mean = first_sum / rows;
                         finish_statistics(channel, wanted.spec, mean, second_sum / rows - mean * mean,
                                           wanted.statistics);
                       } else {
                         finish_gradient(channel, rows, first_sum, second_sum, target.norm, wanted.gradient);
                       }
                     });
}

// ---- on the host ----
// Enough for either width of loads.
inline std::size_t depthwise_sums_bytes(const ConvSpec& spec, Direction direction) {
  check_spec(spec);
  int blocks = 0;
  for (const int width : {1, kVectorWidth})
    blocks = std::max(
        blocks, StripChunks(Strips(spec, direction), MatrixTiling(spec.in_channels, width, kMaxFilterColumns),
                            StripChunks::kMostSums)
                    .blocks);
  return std::size_t(blocks) * 2 * std::size_t(spec.in_channels) * sizeof(double);
}

// Forwards from x to y, or backwards from dy to the gradient of x.
template <ConvPass kPass, class E>
void launch_depthwise(const ConvSpec& spec, const DepthwiseSource<E>& source, const float* w,
                      const DepthwiseTarget<E>& target, const DepthwiseSums& wanted, GpuStream stream) {
  constexpr bool kForward = kPass == ConvPass::forward;
  const Strips strips(spec, kForward ? Direction::forward : Direction::backward);
  const std::size_t from_count = kForward ? spec.in_count() : spec.out_count();
  const std::size_t to_count = kForward ? spec.out_count() : spec.in_count();
  const std::size_t channels = std::size_t(spec.in_channels);
  const bool takes_sums = wanted.sums != nullptr, norms = source.scale != nullptr || target.x != nullptr;
  // What an activation is known from, and what is added to, are read beside it.
  const std::size_t also_read = (target.activated != nullptr || target.x != nullptr ? to_count : 0) +
                                (target.store == Store::accumulate ? to_count : 0);
  const std::size_t floats =
      spec.weight_count() + (norms ? 2 * channels : 0) + (takes_sums ? (kForward ? 4 : 3) * channels : 0);
  const int width =
      width_for(spec.in_channels, {source.from, source.scale, source.shift, target.to, target.activated,
                                   target.x, target.norm.scale, target.norm.shift, target.norm.mean});
  with_filter(spec, [&](auto kernel, auto strided) {
    with_width(width, [&](auto constant) {
      constexpr int kKernel = decltype(kernel)::value, kWidth = decltype(constant)::value;
      constexpr bool kStrided = decltype(strided)::value;
      const MatrixTiling tiling(spec.in_channels, kWidth, kMaxFilterColumns);
      if (takes_sums) check_tiles(tiling);
      const StripChunks chunks =
          takes_sums ? StripChunks(strips, tiling, StripChunks::kMostSums) : StripChunks(strips, tiling);
      const std::uint64_t sum_bytes = takes_sums ? double_bytes(2 * std::size_t(chunks.blocks) * channels) +
                                                       float_bytes((kForward ? 6 : 4) * channels)
                                                 : 0;
      launch("depthwise_kernel", depthwise_kernel<E, kPass, kKernel, kStrided, kWidth>,
             tiling.shape("depthwise_kernel", strips.count, chunks.strips_per_block, Cooperation::block)
                 .costing({value_bytes<E>(from_count + also_read) + float_bytes(floats),
                           value_bytes<E>(to_count) + sum_bytes, 2 * spec.macs()}),
             stream, spec, strips, chunks.strips_per_block, source, w, target, wanted);
    });
  });
}

}  // namespace rlnas
