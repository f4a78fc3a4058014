// The inner loops of depthwise_passes.h: one vector of channels, a few output pixels in registers.
//
// A pass gathers rows of its source in a ring of rows with zeros to their left and right, one vector of
// channels a pixel, so that no inner loop tests for a border; rows above and below the image are left out of
// the sums. Each source pixel of a row is loaded once and multiplied into every output of the tile that it
// meets.
//
// Of an image that the second-level cache holds, one vector of channels is done after the other, all rows.
// Of a larger one a strip of rows is, and while they are, the lines of the next strip are asked for in the
// order of memory: a vector of channels a pixel is a stride that no prefetcher of the machine follows.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/cpu/lines_ahead.h"
#include "kernels/cpu/vec.h"
#include "rlnas/spec.hpp"

namespace rlnas::depthwise {

using Vec = WideFloat;
inline constexpr int kLanes = kWidth<Vec>;

// A filter that keeps the size of an image at stride 1, and the output pixels of a tile of it.
template <int kernel, int stride, int dilation, int tile = 8>
struct Filter {
  static constexpr int kKernel = kernel, kStride = stride, kDilation = dilation;
  static constexpr int kReach = dilation * (kernel - 1);
  static constexpr int kPadding = kReach / 2;
  static constexpr int kTile = tile;
  static constexpr int kGradientTile = kLanes == 16 ? tile : 4;  // AVX2 has half the registers
  static_assert(tile % stride == 0);
};

// Which source pixels a tile of outputs reads: x for y (and for dw), or dy for dx.
template <class Filter, ConvPass pass, int tile>
struct Reads {
  static constexpr bool kForward = pass != ConvPass::backward_data;
  // Zeros before the first pixel of a source row.
  static constexpr int kMargin = kForward ? Filter::kPadding : Filter::kPadding / Filter::kStride;
  // Source pixels from the first that a tile reads to the last, counted from the margin's start.
  static constexpr int kSpan = kForward ? (tile - 1) * Filter::kStride + Filter::kReach + 1
                                        : (tile - 1 + Filter::kPadding) / Filter::kStride + kMargin + 1;

  // The output of the tile that tap s feeds with source pixel j, or -1.
  static constexpr int output(int j, int s) {
    if (kForward) {
      const int n = j - s * Filter::kDilation;
      return n >= 0 && n % Filter::kStride == 0 && n / Filter::kStride < tile ? n / Filter::kStride : -1;
    }
    const int n = (j - kMargin) * Filter::kStride + s * Filter::kDilation - Filter::kPadding;
    return n >= 0 && n < tile ? n : -1;
  }
  // The source row that output row `row` reads through filter row r, or -1.
  static constexpr int source_row(int row, int r, int source_height) {
    const int n = kForward ? row * Filter::kStride + r * Filter::kDilation - Filter::kPadding
                           : row + Filter::kPadding - r * Filter::kDilation;
    if (kForward) return n >= 0 && n < source_height ? n : -1;
    return n >= 0 && n % Filter::kStride == 0 && n / Filter::kStride < source_height ? n / Filter::kStride
                                                                                     : -1;
  }
  // The first source row that output rows from `row` on read, and the one behind the last that rows before
  // `row` read.
  static constexpr int source_begin(int row) {
    return kForward ? std::max(0, row * Filter::kStride - Filter::kPadding)
                    : std::max(0, row - Filter::kPadding + Filter::kStride - 1) / Filter::kStride;
  }
  static constexpr int source_end(int row) {
    return kForward ? (row - 1) * Filter::kStride + Filter::kReach - Filter::kPadding + 1
                    : (row - 1 + Filter::kPadding) / Filter::kStride + 1;
  }
  // Where in a source row, from the margin's start, the tile begins whose first output is `column`.
  static constexpr int source_column(int column) {
    return kForward ? column * Filter::kStride : column / Filter::kStride;
  }
  // Pixels of a source row with its margins.
  static constexpr int row_pixels(int source_width, int outputs) {
    const int last_tile = source_column((outputs - 1) / tile * tile);
    return std::max(kMargin + source_width, last_tile + kSpan);
  }
};

// Rows that are done before the next channels' turn.
inline int rows_of_strip(int height, std::size_t row_bytes) {
  constexpr std::size_t kCachedImage = 512 * 1024, kStrip = 128 * 1024;
  return row_bytes * std::size_t(height) <= kCachedImage ? height
                                                         : int(std::max<std::size_t>(1, kStrip / row_bytes));
}

// 4 or 8 floats in the first lanes, zeros in the rest.
template <class V>
inline Vec widened(V few) {
  if constexpr (kWidth<V> == 4)
    return widened(__builtin_shufflevector(few, V{}, 0, 1, 2, 3, 4, 5, 6, 7));
  else if constexpr (kWidth<V> == kLanes)
    return few;
  else
    return __builtin_shufflevector(few, V{}, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

// Some or all channels of a vector at one pixel. The rest are zeros, or not written. Channels of small
// networks are 4 or 8: sizes that the compiler knows.
inline Vec load_lanes(const float* from, int lanes) {
  if (lanes == kLanes) return load<Vec>(from);
  if (lanes == kWidth<Float4>) return widened(load<Float4>(from));
  if (lanes == kWidth<Float8>) return widened(load<Float8>(from));
  Vec value = {};
  std::memcpy(&value, from, std::size_t(lanes) * sizeof(float));
  return value;
}
inline void store_lanes(float* to, Vec value, int lanes) {
  if (lanes == kLanes)
    store<Vec>(to, value);
  else if (lanes == kWidth<Float4>)
    std::memcpy(to, &value, sizeof(Float4));
  else if (lanes == kWidth<Float8>)
    std::memcpy(to, &value, sizeof(Float8));
  else
    std::memcpy(to, &value, std::size_t(lanes) * sizeof(float));
}

// What rows are loaded from: a tensor [N,H,W,C]. `of` gives its pixels for the channels of one vector; so do
// the sources of depthwise_norm.cpp, which make theirs on the way.
struct TensorSource {
  const float* data;

  struct Channels {
    const float* data;
    Vec pixel(std::size_t at, int lanes) const { return load_lanes(data + at, lanes); }
  };
  Channels of(int, int) const { return {data}; }
  LinesAhead<false> ahead(std::size_t from) const { return {data, from}; }
};

// The last rows of an image that were loaded, kLanes channels of each pixel.
template <class Source = TensorSource>
class RowRing {
 public:
  static constexpr std::size_t floats(int rows, int pixels) {
    return std::size_t(rows) * std::size_t(pixels) * std::size_t(kLanes);
  }
  // storage: floats(rows, pixels) of them, 64-byte aligned; becomes zeros.
  RowRing(const Source& source, float* storage, int rows, int pixels, int margin)
      : source_(source), storage_(storage), rows_(rows), margin_(margin), row_floats_(floats(1, pixels)) {
    std::fill_n(storage, floats(rows, pixels), 0.0f);
  }

  // Starts on channels c..c+lanes-1 of the image [H,width,channels] that begins at element `image`, at a row.
  void start(std::size_t image, int width, int channels, int c, int lanes, int first_row) {
    pixels_ = source_.of(c, lanes);
    image_ = image + std::size_t(c);
    width_ = width;
    channels_ = std::size_t(channels);
    lanes_ = lanes;
    loaded_ = first_row;
  }
  // All rows up to `row`.
  void load_through(int row) {
    for (; loaded_ <= row; ++loaded_) {
      const auto pixels = pixels_;  // in registers
      std::size_t at = image_ + std::size_t(loaded_) * std::size_t(width_) * channels_;
      float* to = slot(loaded_) + margin_ * kLanes;
      if (lanes_ == kLanes) {
        for (int w = 0; w < width_; ++w, at += channels_, to += kLanes)
          store<Vec>(to, pixels.pixel(at, kLanes));
      } else {
        for (int w = 0; w < width_; ++w, at += channels_, to += kLanes)
          store<Vec>(to, pixels.pixel(at, lanes_));
      }
    }
  }
  // A row among the last `rows` loaded, from its left margin on.
  const float* row(int row) const { return slot(row); }
  // Its pixels behind the margin.
  const float* pixels(int row) const { return slot(row) + margin_ * kLanes; }

 private:
  float* slot(int row) const { return storage_ + std::size_t(row % rows_) * row_floats_; }

  Source source_;
  typename Source::Channels pixels_ = {};
  float* storage_;
  int rows_, margin_;
  std::size_t row_floats_;
  std::size_t image_ = 0, channels_ = 0;
  int width_ = 0, lanes_ = 0, loaded_ = 0;
};

// A filter row [S][kLanes] and the source row that it meets.
struct RowPair {
  const float* source;
  const float* weights;
};

// One tile of outputs of a row: the sum over `pairs`. emit(u, sum) takes the first `pixels` of them.
template <class Filter, ConvPass pass, class Emit>
inline void gather_tile(const RowPair* pairs, int count, int source_column, int pixels, const Emit& emit) {
  using Tile = Reads<Filter, pass, Filter::kTile>;
  Vec sum[Filter::kTile] = {};
  for (int i = 0; i < count; ++i) {
    const float* const source = pairs[i].source + std::ptrdiff_t(source_column) * kLanes;
    Vec weights[Filter::kKernel];
#pragma GCC unroll 8
    for (int s = 0; s < Filter::kKernel; ++s) weights[s] = load<Vec>(pairs[i].weights + s * kLanes);
#pragma GCC unroll 32
    for (int j = 0; j < Tile::kSpan; ++j) {
      const Vec pixel = load<Vec>(source + j * kLanes);
#pragma GCC unroll 8
      for (int s = 0; s < Filter::kKernel; ++s)
        if (const int u = Tile::output(j, s); u >= 0) sum[u] += pixel * weights[s];
    }
  }
#pragma GCC unroll 8
  for (int u = 0; u < Filter::kTile; ++u)
    if (u < pixels) emit(u, sum[u]);
}

// Adds to sums [S][kLanes] the gradient of one filter row. pairs: rows of x and, as weights, of dy, which
// ends in zeros where its tiles do; `tiles` of them a row.
template <class Filter>
inline void add_gradient(const RowPair* pairs, int count, int tiles, float* sums) {
  using Tile = Reads<Filter, ConvPass::backward_weights, Filter::kGradientTile>;
  // Two sums a tap, for a multiply-add need not wait for the one before; where registers are short, one.
  constexpr int kChains = kLanes == 8 && Filter::kKernel > 5 ? 1 : 2;
  Vec sum[kChains][Filter::kKernel] = {};
  for (int i = 0; i < count; ++i) {
    const float *x = pairs[i].source, *dy = pairs[i].weights;
    for (int t = 0; t < tiles; ++t) {
      Vec gradient[Filter::kGradientTile];
#pragma GCC unroll 8
      for (int u = 0; u < Filter::kGradientTile; ++u) gradient[u] = load<Vec>(dy + u * kLanes);
#pragma GCC unroll 32
      for (int j = 0; j < Tile::kSpan; ++j) {
        const Vec pixel = load<Vec>(x + j * kLanes);
#pragma GCC unroll 8
        for (int s = 0; s < Filter::kKernel; ++s)
          if (const int u = Tile::output(j, s); u >= 0) sum[u % kChains][s] += pixel * gradient[u];
      }
      x += Filter::kStride * Filter::kGradientTile * kLanes;
      dy += Filter::kGradientTile * kLanes;
    }
  }
#pragma GCC unroll 8
  for (int s = 0; s < Filter::kKernel; ++s) {
    Vec total = load<Vec>(sums + s * kLanes);
    for (int chain = 0; chain < kChains; ++chain) total += sum[chain][s];
    store<Vec>(sums + s * kLanes, total);
  }
}

}  // namespace rlnas::depthwise
