// Gradients of a depthwise convolution, channels last: of its input, of its weights, or both at once.
//
// A block walks tiles of 8 x 8 pixels of the input, so far apart that the filter meets the output's pixels at
// whole steps. The part of dy that a tile meets is brought into shared memory once, zeros where there is
// none. Where a norm follows, dy is made there of dz, of y and of what the norm's sums have become, and lies
// nowhere else. (Where activations are bf16 it is rounded all the same: so every convolution has the gradient
// that the reference stores, and one that cancels to little is not far from it.) Each thread makes strips of
// kStrip pixels of its channel: a value of dy that it reads goes into dx by the taps it belongs to, and by
// the pixels' input into those taps' sums, kernel^2 registers. The norm and the activation of the input are
// applied to what is loaded; what the norm before wants of dx is summed as it is stored. Sums of a block and
// then of all blocks are added up by fixed trees in double.
//
// Launch: MatrixTiling of single channels, 256 threads, about 512 blocks in all; of shared memory 20 KiB for
// 3x3 filters, 31 for 5x5, 45 for 7x7.
//
// Bytes: 4(in + out) for either gradient or both, in being x and dx, out dz and y: 16 a pixel that both have;
// half of that in bf16. Flops: 4*kernel^2 an output.
//
// Expected share of memory bandwidth on A100 and H100 by arithmetic, not measured: of floats 80 % for 3x3 and
// 5x5, 65 % for 7x7; of bf16 80, 50 and 35 %, bound by instructions (67, 127 and 201 an output and channel).
//
// Determinism: no atomics but the count of blocks; bit-equal from run to run.
#pragma once

#include <algorithm>

#include "kernels/cuda/channel_sums.cuh"
#include "kernels/cuda/depthwise_filter.cuh"
#include "kernels/cuda/norm_results.cuh"

namespace rlnas {

// The gradient of what the convolution made, [N,P,Q,C].
template <class E>
struct OutputGradient {
  const E* dz = nullptr;  // that itself, where y is null
  const E* y = nullptr;
  ConstBatchNormSaved norm = {};              // of y
  ActivationBounds bounds = {};               // behind it
  BatchNormNote note = {};                    // of dz
  float *dgamma = nullptr, *dbeta = nullptr;  // where the note's go, or null
};

template <class E>
struct WantedGradients {
  E* dx = nullptr;  // [N,H,W,C], or null
  Store store = Store::overwrite;
  double* partials = nullptr;    // [block x][C,R,S], of dw, or null
  double* sums = nullptr;        // [block x][2][C], of dx, or null
  unsigned* counters = nullptr;  // of last_block.cuh
  BatchNormGradientResult note = {};
};

// Tiles of the input whose pixels are `step` apart. They meet pixels of the output that are source_step
// apart.
struct GradientTiles {
  static constexpr int kSide = 8;
  static constexpr int kMostBlocks = 256, kFewestBlocks = 16, kBlocksInAll = 512, kFewestTiles = 2;
  int step, source_step;
  int down, across;  // tiles of an image and phase
  int count, per_block, blocks;

  GradientTiles(const ConvSpec& spec, const MatrixTiling& tiling) {
    const int d = spec.dilation;
    step = Strips::strided(spec) ? 2 * d : d;
    source_step = Strips::strided(spec) ? d : d / spec.stride;
    down = ceil_div(ceil_div(spec.in_height, step), kSide);
    across = ceil_div(ceil_div(spec.in_width, step), kSide);
    count = spec.batch * down * across * step * step;
    // Each block leaves kernel^2 doubles a channel.
    const int most = std::clamp(kBlocksInAll / tiling.tiles, kFewestBlocks, kMostBlocks);
    per_block = std::max(ceil_div(count, most), kFewestTiles);
    blocks = ceil_div(count, per_block);
  }
};

struct TilePlace {
  int image, row, column;  // of its first pixel
};

// The phases of a part of an image come one after the other: they read the same of the output.
__device__ __forceinline__ TilePlace place_of(const GradientTiles& tiles, int tile) {
  const int phases = tiles.step * tiles.step, part = tile / phases, phase = tile - part * phases;
  const int line = part / tiles.across, image = line / tiles.down, apart = GradientTiles::kSide * tiles.step;
  return {image, (line - image * tiles.down) * apart + phase / tiles.step,
          (part - line * tiles.across) * apart + phase % tiles.step};
}

// What the pixels of a tile meet along one axis: kTaps pixels of the output each, those of the next pixel a
// step further.
template <int kKernel, bool kStrided>
struct MetOutput {
  static constexpr int kTaps = kStrided ? (kKernel + 1) / 2 : kKernel;
  static constexpr int kReach = GradientTiles::kSide + kTaps - 1;

  int first;   // that the tile's first pixel meets
  bool even;   // of kStrided: whether the even taps are those that meet
  bool empty;  // no tap does

  __device__ __forceinline__ MetOutput(const ConvSpec& spec, int pixel) : even(true), empty(false) {
    const int at = pixel + spec.padding, d = spec.dilation;
    if constexpr (kStrided) {
      even = (at & 1) == 0;
      first = ((at - (even ? 0 : d)) >> 1) - d * (kTaps - 1);
    } else {
      const int shift = spec.stride - 1;  // the stride is 1 or 2
      empty = (at & shift) != 0;
      first = (at >> shift) - (d >> shift) * (kKernel - 1);
    }
  }
  // The filter's tap of met pixel `i`; not below kKernel: none.
  template <bool kEven>
  static constexpr int tap(int i) {
    return kStrided ? 2 * (kTaps - 1 - i) + (kEven ? 0 : 1) : kKernel - 1 - i;
  }
};

// The part of dy that the tile at `image` and (rows, columns) meets -> dy [kReach][kReach][kFilterColumns]
template <class E, class Met>
__device__ __forceinline__ void load_output_gradient(const ConvSpec& spec, const GradientTiles& tiles,
                                                     const OutputGradient<E>& output, int image,
                                                     const Met& rows, const Met& columns,
                                                     SharedPointer<float> dy) {
  constexpr int kReach = Met::kReach, kCount = kReach * kReach;
  constexpr int kTogether = 4;  // in flight
  const int channels = spec.in_channels, height = spec.out_height(), width = spec.out_width();
  const int c = tile_channel<1>(), inside = c < channels ? c : 0;
  const bool norms = output.y != nullptr, masks = output.bounds.clamps();
  Pack<1> mean{}, scale{}, shift{}, slope{}, offset{};
  if (norms) {
    mean = load_pack<1>(output.norm.mean + inside);
    scale = load_pack<1>(output.norm.scale + inside);
    shift = load_pack<1>(output.norm.shift + inside);
    slope = load_pack<1>(output.note.slope + inside);
    offset = load_pack<1>(output.note.offset + inside);
  }
  for (int first = int(threadIdx.y); first < kCount; first += kTogether * int(blockDim.y)) {
    bool exists[kTogether];
    Pack<1> gradients[kTogether], values[kTogether];
    RLNAS_UNROLL
    for (int i = 0; i < kTogether; ++i) {
      const int at = first + i * int(blockDim.y), u = at / kReach;
      const int p = rows.first + u * tiles.source_step;
      const int q = columns.first + (at - u * kReach) * tiles.source_step;
      exists[i] = at < kCount && c < channels && p >= 0 && p < height && q >= 0 && q < width;
      if (!exists[i]) continue;
      const std::int64_t from = ((std::int64_t(image) * height + p) * width + q) * channels + c;
      gradients[i] = load_pack<1>(output.dz + from);
      if (norms) values[i] = load_pack<1>(output.y + from);
    }
    RLNAS_UNROLL
    for (int i = 0; i < kTogether; ++i) {
      const int at = first + i * int(blockDim.y);
      if (at >= kCount) continue;
      Pack<1> gradient{};
      if (exists[i]) {
        gradient = gradients[i];
        if (norms) {
          if (masks) gradient = passed_on(normed(values[i], scale, shift), gradient, output.bounds);
          gradient = rounded<E>(norm_gradient(gradient, values[i], mean, scale, slope, offset));
        }
      }
      dy[at * kFilterColumns + int(threadIdx.x)] = gradient.value[0];
    }
  }
}

// The windows of a strip whose first pixel's begins at `dy`: to its gradients by the taps, to the weights' by
// the input.
template <int kKernel, bool kStrided, bool kEvenRow, bool kEvenColumn>
__device__ __forceinline__ void add_windows(SharedPointer<float> dy, SharedPointer<float> filters,
                                            const float (&input)[kStrip], float (&dx)[kStrip],
                                            float (&dw)[kKernel * kKernel]) {
  using Met = MetOutput<kKernel, kStrided>;
  RLNAS_UNROLL
  for (int u = 0; u < Met::kTaps; ++u) {
    const int r = Met::template tap<kEvenRow>(u);
    if (r >= kKernel) continue;
    float taps[Met::kTaps];
    RLNAS_UNROLL
    for (int v = 0; v < Met::kTaps; ++v) {
      const int s = Met::template tap<kEvenColumn>(v);
      taps[v] = s < kKernel ? float(filters[(r * kKernel + s) * kFilterColumns]) : 0.0f;
    }
    RLNAS_UNROLL
    for (int i = 0; i < kStrip + Met::kTaps - 1; ++i) {
      const float gradient = dy[(u * Met::kReach + i) * kFilterColumns];
      RLNAS_UNROLL
      for (int j = 0; j < kStrip; ++j) {
        const int v = i - j;
        if (v < 0 || v >= Met::kTaps) continue;
        const int s = Met::template tap<kEvenColumn>(v);
        if (s >= kKernel) continue;
        dx[j] = fmaf(gradient, taps[v], dx[j]);
        dw[r * kKernel + s] = fmaf(gradient, input[j], dw[r * kKernel + s]);
      }
    }
  }
}

// output, w [C,1,R,S] or null where dx is not wanted, source -> wanted
template <class E, int kKernel, bool kStrided>
__global__ void __launch_bounds__(kTileThreads, kDepthwiseBlocks)
    depthwise_gradients_kernel(ConvSpec spec, GradientTiles tiles, OutputGradient<E> output, const float* w,
                               DepthwiseSource<E> source, WantedGradients<E> wanted) {
  using Met = MetOutput<kKernel, kStrided>;
  constexpr int kTaps = kKernel * kKernel, kStripsAcross = GradientTiles::kSide / kStrip;
  RLNAS_SHARED(float, dy, Met::kReach* Met::kReach* kFilterColumns);
  RLNAS_SHARED(float, filters, kTaps* kFilterColumns);
  RLNAS_SHARED(double, scratch, kKernel* kTileThreads);
  const int channels = spec.in_channels, c = tile_channel<1>(), inside = c < channels ? c : 0;
  const int own = int(threadIdx.x);
  load_filters<kTaps, kFilterColumns>(channels, 1, w, filters);
  if (blockIdx.x == 0 && threadIdx.y == 0 && c < channels) {
    if (output.dgamma != nullptr) output.dgamma[c] = output.note.dgamma[c];
    if (output.dbeta != nullptr) output.dbeta[c] = output.note.dbeta[c];
  }
  const bool norms = source.norm.scale != nullptr, masks = source.bounds.clamps();
  Pack<1> scale{}, shift{};
  if (norms) {
    scale = load_pack<1>(source.norm.scale + inside);
    shift = load_pack<1>(source.norm.shift + inside);
  }
  const float centre = wanted.sums != nullptr ? __ldg(source.norm.mean + inside) : 0.0f;
  float dw[kTaps] = {};
  double totals[2] = {};
  const int begin = int(blockIdx.x) * tiles.per_block;
  const int end = begin + tiles.per_block < tiles.count ? begin + tiles.per_block : tiles.count;
  for (int tile = begin; tile < end; ++tile) {
    const TilePlace place = place_of(tiles, tile);
    const Met rows(spec, place.row), columns(spec, place.column);
    const bool meets = !rows.empty && !columns.empty;
    if (tile > begin) __syncthreads();  // all have read what the tile before met
    if (meets) load_output_gradient(spec, tiles, output, place.image, rows, columns, dy);
    __syncthreads();
    for (int strip = int(threadIdx.y); strip < GradientTiles::kSide * kStripsAcross;
         strip += int(blockDim.y)) {
      const int down = strip / kStripsAcross, across = strip % kStripsAcross * kStrip;
      const int row = place.row + down * tiles.step, column = place.column + across * tiles.step;
      if (c >= channels || row >= spec.in_height || column >= spec.in_width) continue;
      const std::int64_t pixel = (std::int64_t(place.image) * spec.in_height + row) * spec.in_width + column;
      float before[kStrip] = {}, input[kStrip] = {}, gradients[kStrip] = {};  // the norm, the convolution
      RLNAS_UNROLL
      for (int j = 0; j < kStrip; ++j) {
        if (source.from == nullptr || column + j * tiles.step >= spec.in_width) continue;
        Pack<1> value = load_pack<1>(source.from + (pixel + std::int64_t(j) * tiles.step) * channels + c);
        before[j] = value.value[0];
        if (norms) value = normed(value, scale, shift);
        input[j] = clamp(value.value[0], source.bounds);
      }
      if (meets) {
        const SharedPointer<float> met = dy + (down * Met::kReach + across) * kFilterColumns + own;
        const SharedPointer<float> taps = filters + own;
        if constexpr (!kStrided) {
          add_windows<kKernel, kStrided, true, true>(met, taps, input, gradients, dw);
        } else if (rows.even) {
          if (columns.even)
            add_windows<kKernel, kStrided, true, true>(met, taps, input, gradients, dw);
          else
            add_windows<kKernel, kStrided, true, false>(met, taps, input, gradients, dw);
        } else {
          if (columns.even)
            add_windows<kKernel, kStrided, false, true>(met, taps, input, gradients, dw);
          else
            add_windows<kKernel, kStrided, false, false>(met, taps, input, gradients, dw);
        }
      }
      if (wanted.dx == nullptr) continue;
      float values[2] = {};
      RLNAS_UNROLL
      for (int j = 0; j < kStrip; ++j) {
        if (column + j * tiles.step >= spec.in_width) continue;
        const std::int64_t to = (pixel + std::int64_t(j) * tiles.step) * channels + c;
        Pack<1> gradient{{gradients[j]}};
        if (masks) gradient = passed_on(Pack<1>{{input[j]}}, gradient, source.bounds);
        if (wanted.store == Store::accumulate)
          gradient.value[0] = reload_pack<1>(wanted.dx + to).value[0] + gradient.value[0];
        gradient = rounded<E>(gradient);
        store_pack<1>(wanted.dx + to, gradient);
        values[0] += gradient.value[0];
        values[1] = fmaf(gradient.value[0], before[j] - centre, values[1]);
      }
      if (wanted.sums == nullptr) continue;
      totals[0] += double(values[0]);
      totals[1] += double(values[1]);
    }
  }
  if (wanted.partials != nullptr) {
    double* const out = wanted.partials + (std::int64_t(blockIdx.x) * channels + c) * kTaps;
    RLNAS_UNROLL
    for (int r = 0; r < kKernel; ++r) {
      double row[kKernel];
      RLNAS_UNROLL
      for (int s = 0; s < kKernel; ++s) row[s] = double(dw[r * kKernel + s]);
      column_sums(row, scratch);
      if (threadIdx.y != 0 || c >= channels) continue;
      RLNAS_UNROLL
      for (int s = 0; s < kKernel; ++s) out[r * kKernel + s] = row[s];
    }
  }
  if (wanted.sums == nullptr) return;
  column_sums(totals, scratch);
  const double pixels = double(spec.batch) * double(spec.in_height) * double(spec.in_width);
  finish_sums<1>(channels, totals, wanted.sums, wanted.counters, scratch,
                 [&](int channel, double first_sum, double second_sum) {
                   finish_gradient(channel, pixels, first_sum, second_sum, source.norm, wanted.note);
                 });
}

// partials [rows][columns] -> sums [columns]
__global__ void __launch_bounds__(kTileThreads, kTileBlocks)
    sum_rows_kernel(int rows, int columns, const double* partials, float* sums) {
  RLNAS_SHARED(double, scratch, kTileThreads);
  const int column = tile_channel<1>();
  double total[1] = {};
  if (column < columns)
    for (int row = int(threadIdx.y); row < rows; row += int(blockDim.y))
      total[0] += partials[std::int64_t(row) * columns + column];
  column_sums(total, scratch);
  if (threadIdx.y == 0 && column < columns) sums[column] = float(total[0]);
}

// ---- on the host ----
// What its workspace holds: the blocks' doubles, of weights and then of dx.
struct GradientScratch {
  std::size_t partials, sums;

  GradientScratch(const ConvSpec& spec, const GradientTiles& tiles)
      : partials(std::size_t(tiles.blocks) * spec.weight_count()),
        sums(2 * std::size_t(tiles.blocks) * std::size_t(spec.in_channels)) {}
  std::size_t bytes() const { return (partials + sums) * sizeof(double); }
};

inline std::size_t depthwise_gradients_scratch_bytes(const ConvSpec& spec) {
  check_spec(spec);
  return GradientScratch(spec, GradientTiles(spec, MatrixTiling(spec.in_channels, 1, kFilterColumns)))
      .bytes();
}

template <class E>
void launch_depthwise_gradients(const ConvSpec& spec, const DepthwiseOutputGradient& given, const float* w,
                                const DepthwiseInput& input, const DepthwiseGradients& wanted,
                                Workspace workspace, unsigned* counters, GpuStream stream) {
  const MatrixTiling tiling(spec.in_channels, 1, kFilterColumns);
  const GradientTiles tiles(spec, tiling);
  const GradientScratch scratch(spec, tiles);
  check_workspace("depthwise convolution", workspace, scratch.bytes());
  double* const partials = static_cast<double*>(workspace.data);
  const bool norms = given.norm.scale != nullptr, takes_sums = wanted.note != nullptr;
  const bool makes_dx = wanted.dx != nullptr, makes_dw = wanted.dw != nullptr;
  const bool reads_x = makes_dw || takes_sums || input.activation != Activation::none;
  const bool adds = makes_dx && wanted.store == Store::accumulate;
  OutputGradient<E> output{.dz = given.dz.as<E>()};
  if (norms)
    output = {.dz = output.dz,
              .y = given.y.as<E>(),
              .norm = given.norm,
              .bounds = bounds_of(given.activation),
              .note = BatchNormNote::at(const_cast<void*>(given.note), spec.in_channels),
              .dgamma = given.dgamma,
              .dbeta = given.dbeta};
  DepthwiseSource<E> source = source_of<E>(input);
  if (!reads_x) source.from = nullptr;
  WantedGradients<E> to{.dx = wanted.dx.as<E>(),
                        .store = wanted.store,
                        .partials = makes_dw ? partials : nullptr,
                        .sums = takes_sums ? partials + scratch.partials : nullptr,
                        .counters = counters};
  if (takes_sums) {
    check_tiles(tiling);
    to.note = BatchNormNote::at(wanted.note, spec.in_channels);
  }
  // Vectors of a number a channel: of both norms, and copies of the note's.
  const std::size_t copies = (output.dgamma != nullptr ? 1 : 0) + (output.dbeta != nullptr ? 1 : 0);
  const std::size_t vectors =
      (norms ? 5 + copies : 0) + (input.norm.scale != nullptr ? 2 : 0) + (takes_sums ? 2 : 0);
  const std::size_t channels = std::size_t(spec.in_channels), in = spec.in_count(), out = spec.out_count();
  const std::uint64_t read = value_bytes<E>(out * (norms ? 2 : 1) + (reads_x ? in : 0) + (adds ? in : 0)) +
                             float_bytes((makes_dx ? spec.weight_count() : 0) + vectors * channels);
  const std::uint64_t written =
      value_bytes<E>(makes_dx ? in : 0) +
      double_bytes((makes_dw ? scratch.partials : 0) + (takes_sums ? scratch.sums : 0)) +
      float_bytes((copies + (takes_sums ? 4 : 0)) * channels);
  const std::uint64_t flops =
      (makes_dx ? 2 : 0) * spec.macs() + (makes_dw ? 2 : 0) * spec.macs() + (norms ? 5 * out : 0);
  with_filter(spec, [&](auto kernel, auto strided) {
    constexpr const char* kName = "depthwise_gradients_kernel";
    launch(
        kName, depthwise_gradients_kernel<E, decltype(kernel)::value, decltype(strided)::value>,
        tiling.shape(kName, tiles.count, tiles.per_block, Cooperation::block).costing({read, written, flops}),
        stream, spec, tiles, output, makes_dx ? w : nullptr, source, to);
  });
  if (!makes_dw) return;
  const int weights = int(spec.weight_count());
  launch("sum_rows_kernel", sum_rows_kernel,
         MatrixTiling(weights, 1)
             .shape("sum_rows_kernel", 1, 1, Cooperation::block)
             .costing({double_bytes(scratch.partials), float_bytes(spec.weight_count()), scratch.partials}),
         stream, tiles.blocks, weights, partials, wanted.dw);
}

}  // namespace rlnas
