// Depthwise convolution forwards, channels last (gradients: depthwise_gradients.cuh).
//
// Every thread makes strips of kStrip pixels (strips.cuh) of its group of channels; row by row of the filter
// it holds the taps, loads each pixel that the strip's windows meet once, and adds it to all sums it belongs
// to. The norm and the activation before are applied to what is loaded; sums that the norm behind wants of
// what is stored are taken there, a chunk of strips a block, and finished by the last block
// (channel_sums.cuh).
//
// Launch: MatrixTiling (at most 32 groups of 4 channels: 7x7 filters of 128 channels are 25 KB of shared
// memory, and 17 KB more add up sums).
//
// Bytes: 4(in + out), half of that in bf16; reads of a pixel by other rows of the filter meet in the caches.
// Flops: 2*kernel^2 an output.
//
// Expected share of memory bandwidth on A100 and H100 by arithmetic, not measured, of floats: 80 % for 3x3,
// 70 % for 5x5, 55 % for 7x7 (70 bytes of pixels and 49 of taps an output and channel from first-level cache
// and shared memory, which give 8 for each of memory's).
//
// Determinism: no atomics but the count of blocks; bit-equal from run to run.
#pragma once

#include "kernels/cuda/channel_sums.cuh"
#include "kernels/cuda/depthwise_filter.cuh"
#include "kernels/cuda/norm_results.cuh"

namespace rlnas {

// Where sums of what is made go; none are taken where `sums` is null.
struct DepthwiseSums {
  double* sums = nullptr;        // [chunk][2][C]
  unsigned* counters = nullptr;  // of last_block.cuh
  BatchNormSpec spec = {};       // of the norm behind
  BatchNormResult statistics = {};
};

// source, w [C,1,R,S] -> y [N,P,Q,C]
template <class E, int kKernel, bool kStrided, int Width>
__global__ void __launch_bounds__(kTileThreads, kDepthwiseBlocks)
    depthwise_kernel(ConvSpec spec, Strips strips, int strips_per_block, DepthwiseSource<E> source,
                     const float* w, E* y, DepthwiseSums wanted) {
  // Window j of kKernel pixels begins kApart * j pixels behind the first.
  constexpr int kApart = kStrided ? 2 : 1, kReach = (kStrip - 1) * kApart + kKernel;
  constexpr int kTaps = kKernel * kKernel, kTile = kFilterColumns * Width;
  RLNAS_SHARED(float, filters, kTaps* kTile);
  RLNAS_SHARED(float, origins, kTile);
  RLNAS_SHARED(double, scratch, 2 * Width * kTileThreads);
  const int channels = spec.in_channels;
  load_filters<kTaps, kTile>(channels, Width, w, filters);
  __syncthreads();
  const int c = tile_channel<Width>(), inside = c < channels ? c : 0, own = int(threadIdx.x) * Width;
  const bool norms = source.norm.scale != nullptr;
  Pack<Width> scale{}, shift{}, centre{};
  if (norms) {
    scale = load_pack<Width>(source.norm.scale + inside);
    shift = load_pack<Width>(source.norm.shift + inside);
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
      const int top = place.row * spec.stride - spec.padding,
                left = place.column * spec.stride - spec.padding;
      const E* const image =
          source.from + std::int64_t(place.image) * spec.in_height * spec.in_width * channels + c;
      pixel = (std::int64_t(place.image) * strips.height + place.row) * strips.width + place.column;
      pixels = (strips.width - place.column + strips.step - 1) / strips.step;
      for (int r = 0; r < kKernel; ++r) {
        const int h = top + r * spec.dilation;
        if (h < 0 || h >= spec.in_height) continue;
        Pack<Width> taps[kKernel];
        RLNAS_UNROLL
        for (int s = 0; s < kKernel; ++s) {
          RLNAS_UNROLL
          for (int i = 0; i < Width; ++i) taps[s].value[i] = filters[(r * kKernel + s) * kTile + own + i];
        }
        const E* const line = image + std::int64_t(h) * spec.in_width * channels;
        RLNAS_UNROLL
        for (int i = 0; i < kReach; ++i) {
          const int v = left + i * strips.source_step;
          if (v < 0 || v >= spec.in_width) continue;
          Pack<Width> value = load_pack<Width>(line + std::int64_t(v) * channels);
          if (norms) {
            value = normed(value, scale, shift);
            RLNAS_UNROLL
            for (int k = 0; k < Width; ++k) value.value[k] = clamp(value.value[k], source.bounds);
          }
          RLNAS_UNROLL
          for (int j = 0; j < kStrip; ++j) {
            const int s = i - j * kApart;
            if (s < 0 || s >= kKernel) continue;
            RLNAS_UNROLL
            for (int k = 0; k < Width; ++k)
              sums[j].value[k] = fmaf(value.value[k], taps[s].value[k], sums[j].value[k]);
          }
        }
      }
      pixels = pixels < kStrip ? pixels : kStrip;
    }
    // Of the sums about the chunk's first pixel.
    if (wanted.sums != nullptr && at == begin) {
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
      sums[j] = rounded<E>(sums[j]);
      store_pack<Width>(y + (pixel + std::int64_t(j) * strips.step) * channels + c, sums[j]);
      if (wanted.sums == nullptr) continue;
      RLNAS_UNROLL
      for (int i = 0; i < Width; ++i) {
        const float apart = sums[j].value[i] - centre.value[i];
        values[2 * i] += apart;
        values[2 * i + 1] = fmaf(apart, apart, values[2 * i + 1]);
      }
    }
    if (wanted.sums == nullptr) continue;
    made += double(pixels);
    RLNAS_UNROLL
    for (int i = 0; i < 2 * Width; ++i) totals[i] += double(values[i]);
  }
  if (wanted.sums == nullptr) return;
  RLNAS_UNROLL
  for (int i = 0; i < Width; ++i) {  // about zero instead: in double nothing is lost
    const double origin = centre.value[i], sum = totals[2 * i];
    totals[2 * i] = sum + made * origin;
    totals[2 * i + 1] += origin * (2.0 * sum + made * origin);
  }
  column_sums(totals, scratch);
  finish_sums<Width>(channels, totals, wanted.sums, wanted.counters, scratch,
                     [&](int channel, double first_sum, double second_sum) {
                       const double rows = wanted.spec.rows, mean = first_sum / rows;
                       finish_statistics(channel, wanted.spec, mean, second_sum / rows - mean * mean,
                                         wanted.statistics);
                     });
}

// ---- on the host ----
// Enough for either width of loads.
inline std::size_t depthwise_sums_bytes(const ConvSpec& spec) {
  check_spec(spec);
  int blocks = 0;
  for (const int width : {1, kVectorWidth})
    blocks = std::max(blocks, StripChunks(Strips(spec), MatrixTiling(spec.in_channels, width, kFilterColumns),
                                          StripChunks::kMostSums)
                                  .blocks);
  return std::size_t(blocks) * 2 * std::size_t(spec.in_channels) * sizeof(double);
}

template <class E>
void launch_depthwise(const ConvSpec& spec, const DepthwiseSource<E>& source, const float* w, E* y,
                      const DepthwiseSums& wanted, GpuStream stream) {
  const Strips strips(spec);
  const std::size_t channels = std::size_t(spec.in_channels);
  const bool takes_sums = wanted.sums != nullptr;
  const std::size_t floats = spec.weight_count() + (source.norm.scale != nullptr ? 2 * channels : 0) +
                             (takes_sums ? 4 * channels : 0);
  const int width = width_for(spec.in_channels, {source.from, source.norm.scale, source.norm.shift, y});
  with_filter(spec, [&](auto kernel, auto strided) {
    with_width(width, [&](auto constant) {
      constexpr int kKernel = decltype(kernel)::value, kWidth = decltype(constant)::value;
      const MatrixTiling tiling(spec.in_channels, kWidth, kFilterColumns);
      if (takes_sums) check_tiles(tiling);
      const StripChunks chunks =
          takes_sums ? StripChunks(strips, tiling, StripChunks::kMostSums) : StripChunks(strips, tiling);
      const std::uint64_t sum_bytes =
          takes_sums ? double_bytes(2 * std::size_t(chunks.blocks) * channels) + float_bytes(6 * channels)
                     : 0;
      launch("depthwise_kernel", depthwise_kernel<E, kKernel, decltype(strided)::value, kWidth>,
             tiling.shape("depthwise_kernel", strips.count, chunks.strips_per_block, Cooperation::block)
                 .costing({value_bytes<E>(spec.in_count()) + float_bytes(floats),
                           value_bytes<E>(spec.out_count()) + sum_bytes, 2 * spec.macs()}),
             stream, spec, strips, chunks.strips_per_block, source, w, y, wanted);
    });
  });
}

}  // namespace rlnas
