// The passes of a depthwise convolution over a few images, on one thread.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/cpu/depthwise_rows.h"
#include "kernels/round_up.h"

namespace rlnas::depthwise {

// Filters, and sums of their gradient, are [vector of channels][R][S][kLanes], channels filled up with zeros.
// `scratch`: 64-byte aligned, as many floats as said beside each pass.
template <class Filter>
class Passes {
 public:
  static constexpr int kKernel = Filter::kKernel;
  static constexpr std::size_t kFilterFloats = std::size_t(kKernel) * kKernel * kLanes;

  explicit Passes(const ConvSpec& spec)
      : spec_(spec),
        in_row_(std::size_t(spec.in_width) * spec.groups),
        out_row_(std::size_t(spec.out_width()) * spec.groups) {}

  // forward: source x, to y; backward_data: source dy, to dx.
  template <ConvPass pass, class Source>
  void gather(int images, const Source& source, const float* filters, float* to, float* scratch) const {
    using Reads = Tile<pass>;
    const Side from_size = pass == ConvPass::forward ? in_size() : out_size();
    const Side to_size = pass == ConvPass::forward ? out_size() : in_size();
    const std::size_t from_row = pass == ConvPass::forward ? in_row_ : out_row_;
    const std::size_t to_row = pass == ConvPass::forward ? out_row_ : in_row_;
    const std::size_t channels = std::size_t(spec_.groups);
    const int strip = rows_of_strip(to_size.height, to_row * sizeof(float));
    // Lines of the source that a tile's share of the next strip has.
    constexpr int kArea = Filter::kStride * Filter::kStride;
    constexpr int kSourceLines = pass == ConvPass::forward ? Filter::kTile * kArea : Filter::kTile / kArea;
    RowRing<Source> ring(source, scratch, ring_rows<pass>(), gather_pixels<pass>(), Reads::kMargin);
    for (int n = 0; n < images; ++n, to += std::size_t(to_size.height) * to_row) {
      const std::size_t image = std::size_t(n) * std::size_t(from_size.height) * from_row;
      for (int first = 0; first < to_size.height; first += strip) {
        const int end = std::min(first + strip, to_size.height);
        auto source_ahead = source.ahead(image + std::size_t(Reads::source_end(end)) * from_row);
        LinesAhead<true> to_ahead(to, std::size_t(end) * to_row);
        for (int c = 0; c < spec_.groups; c += kLanes) {
          const int lanes = std::min(kLanes, spec_.groups - c);
          const float* const filter = filters + std::size_t(c / kLanes) * kFilterFloats;
          ring.start(image, from_size.width, spec_.groups, c, lanes, Reads::source_begin(first));
          for (int row = first; row < end; ++row) {
            RowPair pairs[kKernel];
            const int count = pairs_of<pass>(row, from_size.height, ring, filter, pairs);
            float* const row_to = to + std::size_t(row) * to_row + c;
            for (int column = 0; column < to_size.width; column += Filter::kTile) {
              if (end < to_size.height) {
                source_ahead.fetch(kSourceLines);
                to_ahead.fetch(Filter::kTile);
              }
              float* const tile_to = row_to + std::size_t(column) * channels;
              gather_tile<Filter, pass>(
                  pairs, count, Reads::source_column(column), std::min(Filter::kTile, to_size.width - column),
                  [&](int u, Vec sum) { store_lanes(tile_to + std::size_t(u) * channels, sum, lanes); });
            }
          }
        }
      }
    }
  }
  template <ConvPass pass>
  std::size_t gather_floats() const {
    return RowRing<>::floats(ring_rows<pass>(), gather_pixels<pass>());
  }

  // Adds to the sums of the filters' gradient.
  template <class XSource, class DySource>
  void add_gradient(int images, const XSource& x, const DySource& dy, float* sums, float* scratch) const {
    walk_gradient(images, x, dy, NoSink{}, DyRows{block_rows(), dy_pixels(), 0, 0}, sums, scratch,
                  [&](const auto&, const auto&, const Block& block, const auto& ask) {
                    ask((block.end - block.begin) * Filter::kStride * spec_.in_width);
                  });
  }
  std::size_t gradient_floats() const { return ring_floats(block_rows(), dy_pixels()); }

  // add_gradient and backward_data on the same rows. sink.of(channel, lanes).put(where in dx, gradient, x)
  // takes each vector of dx.
  template <class XSource, class DySource, class Sink>
  void backward(int images, const XSource& x, const DySource& dy, const float* filters, float* sums,
                const Sink& sink, float* scratch) const {
    constexpr int kMargin = Tile<ConvPass::backward_data>::kMargin;
    walk_gradient(images, x, dy, sink, DyRows{dy_ring_rows(), backward_pixels(), kMargin, kHalo}, sums,
                  scratch, [&](const auto& x_ring, auto& dy_ring, const Block& block, const auto& ask) {
                    put_rows(x_ring, dy_ring, block, filters, sink.of(block.c, block.lanes), ask);
                  });
  }
  std::size_t backward_floats() const { return ring_floats(dy_ring_rows(), backward_pixels()); }

 private:
  template <ConvPass pass>
  using Tile = Reads<Filter, pass, Filter::kTile>;
  using GradientTile = Reads<Filter, ConvPass::backward_weights, Filter::kGradientTile>;

  struct Side {  // of the convolution
    int height, width;
  };
  Side in_size() const { return {spec_.in_height, spec_.in_width}; }
  Side out_size() const { return {spec_.out_height(), spec_.out_width()}; }

  template <ConvPass pass>
  static constexpr int ring_rows() {
    return Filter::kReach / (pass == ConvPass::forward ? 1 : Filter::kStride) + 1;
  }
  template <ConvPass pass>
  int gather_pixels() const {
    return pass == ConvPass::forward ? Tile<pass>::row_pixels(spec_.in_width, spec_.out_width())
                                     : Tile<pass>::row_pixels(spec_.out_width(), spec_.in_width);
  }

  // Pixels of the rows that a weight gradient reads.
  int x_pixels() const { return GradientTile::row_pixels(spec_.in_width, spec_.out_width()); }
  int dy_pixels() const { return int(round_up(std::size_t(spec_.out_width()), Filter::kGradientTile)); }
  // Of dy where both gradients read it.
  int backward_pixels() const {
    return std::max(gather_pixels<ConvPass::backward_data>(),
                    Tile<ConvPass::backward_data>::kMargin + dy_pixels());
  }
  // Output rows of which x and dy stay in the first-level cache while one filter row after the other meets
  // them.
  int block_rows() const {
    constexpr int kBlockBytes = 28 * 1024;
    const int row_bytes = (dy_pixels() + Filter::kStride * x_pixels()) * kLanes * int(sizeof(float));
    return std::clamp(kBlockBytes / row_bytes, 1, spec_.out_height());
  }
  int x_ring_rows() const { return (block_rows() - 1) * Filter::kStride + Filter::kReach + 1; }
  // Rows of dy above a block that its rows of dx read too.
  static constexpr int kHalo = Filter::kReach / Filter::kStride;
  int dy_ring_rows() const { return block_rows() + kHalo; }
  struct DyRows {  // the ring of dy
    int count, pixels, margin, halo;
  };
  std::size_t ring_floats(int dy_rows, int dy_row_pixels) const {
    return RowRing<>::floats(x_ring_rows(), x_pixels()) + RowRing<>::floats(dy_rows, dy_row_pixels);
  }

  struct NoSink {  // for dx that is not wanted
    struct Ahead {
      void fetch(int) {}
    };
    Ahead ahead(std::size_t) const { return {}; }
  };

  // Loads what an output row of a gathering pass reads; the number of pairs.
  template <ConvPass pass, class Ring>
  static int pairs_of(int row, int source_height, Ring& ring, const float* filter, RowPair* pairs) {
    int count = 0;
    for (int r = 0; r < kKernel; ++r) {
      const int source_row = Tile<pass>::source_row(row, r, source_height);
      if (source_row < 0) continue;
      ring.load_through(source_row);
      pairs[count++] = {ring.row(source_row), filter + std::size_t(r * kKernel) * kLanes};
    }
    return count;
  }

  struct Block {          // of output rows, for the channels c..c+lanes-1 of an image
    std::size_t x_image;  // where the image begins in x
    int c, lanes, begin, end;
  };

  // Adds the gradient block by block, and calls visit(x ring, dy ring, block, ask) behind each, which is to
  // call ask(pixels of x) for as many as it works on.
  template <class XSource, class DySource, class Sink, class Visit>
  void walk_gradient(int images, const XSource& x, const DySource& dy, const Sink& dx, const DyRows& dy_rows,
                     float* sums, float* scratch, const Visit& visit) const {
    const int out_height = spec_.out_height(), block = block_rows();
    const int strip = rows_of_strip(out_height, out_row_ * sizeof(float));
    RowRing<XSource> x_ring(x, scratch, x_ring_rows(), x_pixels(), GradientTile::kMargin);
    RowRing<DySource> dy_ring(dy, scratch + RowRing<>::floats(x_ring_rows(), x_pixels()), dy_rows.count,
                              dy_rows.pixels, dy_rows.margin);
    std::vector<RowPair> pairs(std::size_t(block), RowPair{});
    for (int n = 0; n < images; ++n) {
      const std::size_t x_image = std::size_t(n) * std::size_t(spec_.in_height) * in_row_;
      const std::size_t dy_image = std::size_t(n) * std::size_t(out_height) * out_row_;
      for (int first = 0; first < out_height; first += strip) {
        const int end = std::min(first + strip, out_height);
        auto x_ahead = x.ahead(x_image + std::size_t(GradientTile::source_end(end)) * in_row_);
        auto dy_ahead = dy.ahead(dy_image + std::size_t(end) * out_row_);
        auto dx_ahead = dx.ahead(x_image + std::size_t(end * Filter::kStride) * in_row_);
        const auto ask = [&](int in_pixels) {
          constexpr int kArea = Filter::kStride * Filter::kStride;
          if (end == out_height) return;
          x_ahead.fetch(in_pixels);
          dx_ahead.fetch(in_pixels);
          dy_ahead.fetch(in_pixels / kArea);
        };
        for (int c = 0; c < spec_.groups; c += kLanes) {
          const int lanes = std::min(kLanes, spec_.groups - c);
          x_ring.start(x_image, spec_.in_width, spec_.groups, c, lanes, GradientTile::source_begin(first));
          dy_ring.start(dy_image, spec_.out_width(), spec_.groups, c, lanes,
                        std::max(0, first - dy_rows.halo));
          float* const filter_sums = sums + std::size_t(c / kLanes) * kFilterFloats;
          for (int row = first; row < end; row += block) {
            const int row_end = std::min(row + block, end);
            x_ring.load_through(std::min(spec_.in_height, GradientTile::source_end(row_end)) - 1);
            dy_ring.load_through(row_end - 1);
            add_rows(row, row_end, x_ring, dy_ring, pairs.data(), filter_sums);
            visit(x_ring, dy_ring, Block{x_image, c, lanes, row, row_end}, ask);
          }
        }
      }
    }
  }

  // The rows of dx that read the block's rows of dy, or those above, and none below.
  template <class XRing, class DyRing, class To, class Ask>
  void put_rows(const XRing& x, DyRing& dy, const Block& block, const float* filters, const To& to,
                const Ask& ask) const {
    using Reads = Tile<ConvPass::backward_data>;
    const int last =
        block.end == spec_.out_height() ? spec_.in_height : block.end * Filter::kStride - Filter::kPadding;
    const float* const filter = filters + std::size_t(block.c / kLanes) * kFilterFloats;
    const std::size_t channels = std::size_t(spec_.groups);
    for (int row = std::max(0, block.begin * Filter::kStride - Filter::kPadding); row < last; ++row) {
      RowPair pairs[kKernel];
      const int count = pairs_of<ConvPass::backward_data>(row, spec_.out_height(), dy, filter, pairs);
      const std::size_t at = block.x_image + std::size_t(row) * in_row_ + std::size_t(block.c);
      const float* const x_pixels = x.pixels(row);
      for (int column = 0; column < spec_.in_width; column += Filter::kTile) {
        ask(Filter::kTile);
        gather_tile<Filter, ConvPass::backward_data>(pairs, count, Reads::source_column(column),
                                                     std::min(Filter::kTile, spec_.in_width - column),
                                                     [&](int u, Vec sum) {
                                                       to.put(at + std::size_t(column + u) * channels, sum,
                                                              load<Vec>(x_pixels + (column + u) * kLanes));
                                                     });
      }
    }
  }

  // Adds the gradient of output rows begin..end-1, which the rings hold with all that they meet.
  template <class XRing, class DyRing>
  void add_rows(int begin, int end, const XRing& x, const DyRing& dy, RowPair* pairs, float* sums) const {
    for (int r = 0; r < kKernel; ++r) {
      int count = 0;
      for (int p = begin; p < end; ++p) {
        const int x_row = GradientTile::source_row(p, r, spec_.in_height);
        if (x_row >= 0) pairs[count++] = {x.row(x_row), dy.pixels(p)};
      }
      depthwise::add_gradient<Filter>(pairs, count, dy_pixels() / Filter::kGradientTile,
                                      sums + std::size_t(r * kKernel) * kLanes);
    }
  }

  ConvSpec spec_;
  std::size_t in_row_, out_row_;  // floats
};

}  // namespace rlnas::depthwise
