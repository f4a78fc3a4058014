#include "kernels/cpu/depthwise_conv.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/depthwise_rows.h"
#include "kernels/round_up.h"

namespace rlnas {
namespace {

using depthwise::kLanes;
using depthwise::LinesAhead;
using depthwise::RowPair;
using depthwise::RowRing;

// Weights, and the copies of their gradient, are [vector of channels][R][S][kLanes], channels filled up with
// zeros.
template <class Filter>
class DepthwiseConv final : public ChunkedConv {
 public:
  DepthwiseConv(const ConvSpec& conv_spec, ConvPass conv_pass) : ChunkedConv(conv_spec, conv_pass) {
    weights_bytes = whole_pages(std::size_t(weight_parts()) * kFilterFloats * sizeof(float));
    scratch_bytes = whole_pages(scratch_floats() * sizeof(float));
    if (pass == ConvPass::backward_weights) chunks_per_unit = std::max(1, chunks.count() / kMaxCopies);
  }

  const char* implementation() const override { return "rlnas:depthwise"; }
  int weight_parts() const override { return (spec.groups + kLanes - 1) / kLanes; }

  void load_weights(int part, const float* w, void* loaded) const override {
    float* const to = static_cast<float*>(loaded) + std::size_t(part) * kFilterFloats;
    std::fill_n(to, kFilterFloats, 0.0f);
    for_each_weight(part, [&](std::size_t plain, std::size_t at) { to[at] = w[plain]; });
  }

  void store_weights(int part, const void* sum, float* dw) const override {
    const float* const from = static_cast<const float*>(sum) + std::size_t(part) * kFilterFloats;
    for_each_weight(part, [&](std::size_t plain, std::size_t at) { dw[plain] = from[at]; });
  }

  void run_chunk(int, int chunk, const float* in_side, const void* weights, const float* out_side,
                 void* scratch) const override {
    const auto filters = static_cast<const float*>(weights);
    const auto memory = static_cast<float*>(scratch);
    const int images = chunks.size(chunk);
    switch (pass) {
      case ConvPass::forward:
        return gather<ConvPass::forward>(images, in_side, filters, const_cast<float*>(out_side), memory);
      case ConvPass::backward_data:
        return gather<ConvPass::backward_data>(images, out_side, filters, const_cast<float*>(in_side),
                                               memory);
      case ConvPass::backward_weights:
        return add_weight_gradient(images, in_side, out_side, sums_of(chunk, weights), memory);
    }
  }

 private:
  static constexpr int kKernel = Filter::kKernel;
  static constexpr std::size_t kFilterFloats = std::size_t(kKernel) * kKernel * kLanes;
  static constexpr int kMaxCopies = 16;  // of the weight gradient; less than twice as many

  template <ConvPass gather_pass>
  using Tile = depthwise::Reads<Filter, gather_pass, Filter::kTile>;
  using GradientTile = depthwise::Reads<Filter, ConvPass::backward_weights, Filter::kGradientTile>;

  struct Side {  // of the convolution
    int height, width;
  };
  Side in_size() const { return {spec.in_height, spec.in_width}; }
  Side out_size() const { return {spec.out_height(), spec.out_width()}; }

  template <ConvPass gather_pass>
  static constexpr int ring_rows() {
    return Filter::kReach / (gather_pass == ConvPass::forward ? 1 : Filter::kStride) + 1;
  }

  // Pixels of the rows that a weight gradient reads.
  int x_pixels() const { return GradientTile::row_pixels(spec.in_width, spec.out_width()); }
  int dy_pixels() const { return int(round_up(std::size_t(spec.out_width()), Filter::kGradientTile)); }
  // Output rows of which x and dy stay in the first-level cache while one filter row after the other meets
  // them.
  int block_rows() const {
    constexpr int kBlockBytes = 28 * 1024;
    const int row_bytes = (dy_pixels() + Filter::kStride * x_pixels()) * kLanes * int(sizeof(float));
    return std::clamp(kBlockBytes / row_bytes, 1, spec.out_height());
  }
  int x_ring_rows() const { return (block_rows() - 1) * Filter::kStride + Filter::kReach + 1; }

  std::size_t scratch_floats() const {
    switch (pass) {
      case ConvPass::forward:
        return RowRing::floats(ring_rows<ConvPass::forward>(),
                               Tile<ConvPass::forward>::row_pixels(spec.in_width, spec.out_width()));
      case ConvPass::backward_data:
        return RowRing::floats(ring_rows<ConvPass::backward_data>(),
                               Tile<ConvPass::backward_data>::row_pixels(spec.out_width(), spec.in_width));
      case ConvPass::backward_weights:
        break;
    }
    return RowRing::floats(x_ring_rows(), x_pixels()) + RowRing::floats(block_rows(), dy_pixels());
  }

  // Calls visit(index in [C,1,R,S], index in the part) for every weight of a part.
  template <class Visit>
  void for_each_weight(int part, const Visit& visit) const {
    const int lanes = std::min(kLanes, spec.groups - part * kLanes);
    constexpr int kTaps = kKernel * kKernel;
    for (int lane = 0; lane < lanes; ++lane)
      for (int tap = 0; tap < kTaps; ++tap)
        visit(std::size_t(part * kLanes + lane) * kTaps + std::size_t(tap), std::size_t(tap * kLanes + lane));
  }

  // forward: source x, to y; backward_data: source dy, to dx.
  template <ConvPass gather_pass>
  void gather(int images, const float* source, const float* filters, float* to, float* scratch) const {
    using Reads = Tile<gather_pass>;
    const Side from_size = gather_pass == ConvPass::forward ? in_size() : out_size();
    const Side to_size = gather_pass == ConvPass::forward ? out_size() : in_size();
    const std::size_t channels = std::size_t(spec.groups);
    const std::size_t from_row = std::size_t(from_size.width) * channels;
    const std::size_t to_row = std::size_t(to_size.width) * channels;
    const int strip = depthwise::rows_of_strip(to_size.height, to_row * sizeof(float));
    // Lines of the source that a tile's share of the next strip has.
    constexpr int kArea = Filter::kStride * Filter::kStride;
    constexpr int kSourceLines =
        gather_pass == ConvPass::forward ? Filter::kTile * kArea : Filter::kTile / kArea;
    RowRing ring(scratch, ring_rows<gather_pass>(), Reads::row_pixels(from_size.width, to_size.width),
                 Reads::kMargin);
    for (int n = 0; n < images; ++n, source += from_size.height * from_row, to += to_size.height * to_row)
      for (int first = 0; first < to_size.height; first += strip) {
        const int end = std::min(first + strip, to_size.height);
        LinesAhead<false> source_ahead(source, std::size_t(Reads::source_end(end)) * from_row);
        LinesAhead<true> to_ahead(to, std::size_t(end) * to_row);
        for (int c = 0; c < spec.groups; c += kLanes) {
          const int lanes = std::min(kLanes, spec.groups - c);
          const float* const filter = filters + std::size_t(c / kLanes) * kFilterFloats;
          ring.start(source + c, from_size.width, spec.groups, lanes, Reads::source_begin(first));
          for (int row = first; row < end; ++row) {
            RowPair pairs[kKernel];
            int count = 0;
            for (int r = 0; r < kKernel; ++r) {
              const int source_row = Reads::source_row(row, r, from_size.height);
              if (source_row < 0) continue;
              ring.load_through(source_row);
              pairs[count++] = {ring.row(source_row), filter + std::size_t(r * kKernel) * kLanes};
            }
            float* const row_to = to + std::size_t(row) * to_row + c;
            for (int column = 0; column < to_size.width; column += Filter::kTile) {
              if (end < to_size.height) {
                source_ahead.fetch(kSourceLines);
                to_ahead.fetch(Filter::kTile);
              }
              depthwise::gather_tile<Filter, gather_pass>(
                  pairs, count, Reads::source_column(column), row_to + std::size_t(column) * channels,
                  std::min(Filter::kTile, to_size.width - column), spec.groups, lanes);
            }
          }
        }
      }
  }

  void add_weight_gradient(int images, const float* x, const float* dy, float* sums, float* scratch) const {
    const std::size_t channels = std::size_t(spec.groups);
    const int out_height = spec.out_height();
    const std::size_t x_row = std::size_t(spec.in_width) * channels;
    const std::size_t dy_row = std::size_t(spec.out_width()) * channels;
    const int strip = depthwise::rows_of_strip(out_height, dy_row * sizeof(float));
    RowRing x_ring(scratch, x_ring_rows(), x_pixels(), GradientTile::kMargin);
    RowRing dy_ring(scratch + RowRing::floats(x_ring_rows(), x_pixels()), block_rows(), dy_pixels(), 0);
    std::vector<RowPair> pairs(std::size_t(block_rows()), RowPair{});
    for (int n = 0; n < images; ++n, x += spec.in_height * x_row, dy += out_height * dy_row)
      for (int first = 0; first < out_height; first += strip) {
        const int end = std::min(first + strip, out_height);
        LinesAhead<false> x_ahead(x, std::size_t(GradientTile::source_end(end)) * x_row);
        LinesAhead<false> dy_ahead(dy, std::size_t(end) * dy_row);
        for (int c = 0; c < spec.groups; c += kLanes) {
          const int lanes = std::min(kLanes, spec.groups - c);
          x_ring.start(x + c, spec.in_width, spec.groups, lanes, GradientTile::source_begin(first));
          dy_ring.start(dy + c, spec.out_width(), spec.groups, lanes, first);
          float* const filter_sums = sums + std::size_t(c / kLanes) * kFilterFloats;
          for (int row = first; row < end; row += block_rows()) {
            const int row_end = std::min(row + block_rows(), end);
            if (end < out_height) {
              dy_ahead.fetch((row_end - row) * spec.out_width());
              x_ahead.fetch((row_end - row) * Filter::kStride * spec.in_width);
            }
            x_ring.load_through(std::min(spec.in_height, GradientTile::source_end(row_end)) - 1);
            dy_ring.load_through(row_end - 1);
            add_rows(row, row_end, x_ring, dy_ring, pairs.data(), filter_sums);
          }
        }
      }
  }

  // Adds the gradient of output rows begin..end-1, which the rings hold with all that they meet.
  void add_rows(int begin, int end, const RowRing& x, const RowRing& dy, RowPair* pairs, float* sums) const {
    for (int r = 0; r < kKernel; ++r) {
      int count = 0;
      for (int p = begin; p < end; ++p) {
        const int x_row = GradientTile::source_row(p, r, spec.in_height);
        if (x_row >= 0) pairs[count++] = {x.row(x_row), dy.row(p)};
      }
      depthwise::add_gradient<Filter>(pairs, count, dy_pixels() / Filter::kGradientTile,
                                      sums + std::size_t(r * kKernel) * kLanes);
    }
  }
};

template <class Filter>
std::unique_ptr<ChunkedConv> make(const ConvSpec& spec, ConvPass pass) {
  return std::make_unique<DepthwiseConv<Filter>>(spec, pass);
}

template <int kernel>
std::unique_ptr<ChunkedConv> make_of_kernel(const ConvSpec& spec, ConvPass pass) {
  using depthwise::Filter;
  if (spec.dilation == 2)
    return (spec.stride == 1 ? make<Filter<kernel, 1, 2>> : make<Filter<kernel, 2, 2>>)(spec, pass);
  if (spec.stride == 2) return make<Filter<kernel, 2, 1>>(spec, pass);
  // The images of an ImageNet network are 7 pixels wide, or a multiple: eight would leave tiles in part
  // empty.
  const bool sevens = spec.in_width % 8 != 0 && spec.in_width % 7 == 0;
  return (sevens ? make<Filter<kernel, 1, 1, 7>> : make<Filter<kernel, 1, 1>>)(spec, pass);
}

}  // namespace

std::unique_ptr<ChunkedConv> make_depthwise_conv(const ConvSpec& spec, ConvPass pass) {
  const bool depthwise =
      spec.groups > 1 && spec.in_channels == spec.groups && spec.out_channels == spec.groups;
  const bool one_or_two =
      (spec.stride == 1 || spec.stride == 2) && (spec.dilation == 1 || spec.dilation == 2);
  if (!depthwise || !one_or_two || spec.padding * 2 != spec.dilation * (spec.kernel - 1)) return nullptr;
  switch (spec.kernel) {
    case 3:
      return make_of_kernel<3>(spec, pass);
    case 5:
      return make_of_kernel<5>(spec, pass);
    case 7:
      return make_of_kernel<7>(spec, pass);
    default:
      return nullptr;
  }
}

}  // namespace rlnas
