#include "kernels/cpu/depthwise_conv.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/depthwise_rows.h"
#include "kernels/round_up.h"

namespace rlnas {
namespace {

using depthwise::kLanes;
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
  using Tile = depthwise::Reads<Filter, gather_pass, depthwise::kTile>;
  using GradientTile = depthwise::Reads<Filter, ConvPass::backward_weights, depthwise::kGradientTile>;

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
  int dy_pixels() const { return int(round_up(std::size_t(spec.out_width()), depthwise::kGradientTile)); }
  // Output rows of which x and dy stay in the first-level cache while one filter row after the other meets
  // them.
  int strip_rows() const {
    constexpr int kStripBytes = 28 * 1024;
    const int row_bytes = (dy_pixels() + Filter::kStride * x_pixels()) * kLanes * int(sizeof(float));
    return std::clamp(kStripBytes / row_bytes, 1, spec.out_height());
  }
  int x_ring_rows() const { return (strip_rows() - 1) * Filter::kStride + Filter::kReach + 1; }

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
    return RowRing::floats(x_ring_rows(), x_pixels()) + RowRing::floats(strip_rows(), dy_pixels());
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
    const int channels = spec.groups;
    const auto image_floats = [&](const Side& side) {
      return std::size_t(side.height) * std::size_t(side.width) * std::size_t(channels);
    };
    RowRing ring(scratch, ring_rows<gather_pass>(), Reads::row_pixels(from_size.width, to_size.width),
                 Reads::kMargin);
    for (int n = 0; n < images; ++n)
      for (int c = 0; c < channels; c += kLanes) {
        const int lanes = std::min(kLanes, channels - c);
        const float* const filter = filters + std::size_t(c / kLanes) * kFilterFloats;
        ring.start(source + std::size_t(n) * image_floats(from_size) + c, from_size.width, channels, lanes);
        float* row_to = to + std::size_t(n) * image_floats(to_size) + c;
        for (int row = 0; row < to_size.height; ++row) {
          RowPair pairs[kKernel];
          int count = 0;
          for (int r = 0; r < kKernel; ++r) {
            const int source_row = Reads::source_row(row, r, from_size.height);
            if (source_row < 0) continue;
            ring.load_through(source_row);
            pairs[count++] = {ring.row(source_row), filter + std::size_t(r * kKernel) * kLanes};
          }
          for (int column = 0; column < to_size.width; column += depthwise::kTile) {
            const int pixels = std::min(depthwise::kTile, to_size.width - column);
            depthwise::gather_tile<Filter, gather_pass>(pairs, count, Reads::source_column(column), row_to,
                                                        pixels, channels, lanes);
            row_to += std::ptrdiff_t(pixels) * channels;
          }
        }
      }
  }

  void add_weight_gradient(int images, const float* x, const float* dy, float* sums, float* scratch) const {
    const int channels = spec.groups, out_height = spec.out_height(), strip = strip_rows();
    const int tiles = dy_pixels() / depthwise::kGradientTile;
    const std::size_t x_image = spec.in_count() / std::size_t(spec.batch);
    const std::size_t dy_image = spec.out_count() / std::size_t(spec.batch);
    RowRing x_ring(scratch, x_ring_rows(), x_pixels(), GradientTile::kMargin);
    RowRing dy_ring(scratch + RowRing::floats(x_ring_rows(), x_pixels()), strip, dy_pixels(), 0);
    std::vector<RowPair> pairs(std::size_t(strip), RowPair{});
    for (int n = 0; n < images; ++n)
      for (int c = 0; c < channels; c += kLanes) {
        const int lanes = std::min(kLanes, channels - c);
        x_ring.start(x + std::size_t(n) * x_image + c, spec.in_width, channels, lanes);
        dy_ring.start(dy + std::size_t(n) * dy_image + c, spec.out_width(), channels, lanes);
        for (int first = 0; first < out_height; first += strip) {
          const int last = std::min(first + strip, out_height) - 1;
          x_ring.load_through(
              std::min(spec.in_height - 1, last * Filter::kStride + Filter::kReach - Filter::kPadding));
          dy_ring.load_through(last);
          for (int r = 0; r < kKernel; ++r) {
            int count = 0;
            for (int p = first; p <= last; ++p) {
              const int x_row = GradientTile::source_row(p, r, spec.in_height);
              if (x_row >= 0) pairs[std::size_t(count++)] = {x_ring.row(x_row), dy_ring.row(p)};
            }
            depthwise::add_gradient<Filter>(
                pairs.data(), count, tiles,
                sums + std::size_t(c / kLanes) * kFilterFloats + std::size_t(r * kKernel) * kLanes);
          }
        }
      }
  }
};

template <int kernel, int stride, int dilation>
std::unique_ptr<ChunkedConv> make(const ConvSpec& spec, ConvPass pass) {
  return std::make_unique<DepthwiseConv<depthwise::Filter<kernel, stride, dilation>>>(spec, pass);
}

template <int kernel>
std::unique_ptr<ChunkedConv> make_of_kernel(const ConvSpec& spec, ConvPass pass) {
  if (spec.dilation == 1) return (spec.stride == 1 ? make<kernel, 1, 1> : make<kernel, 2, 1>)(spec, pass);
  return (spec.stride == 1 ? make<kernel, 1, 2> : make<kernel, 2, 2>)(spec, pass);
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
