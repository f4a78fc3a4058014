// AZ-NAS (Lee and Ham, CVPR 2024): three looks at how a network with fresh weights handles a batch of noise.
// Definitions: docs/indicators.md.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "data/parallel_for.h"
#include "kernels/check.h"
#include "search/dense.h"
#include "search/indicators/groups.h"
#include "search/probe.h"
#include "search/search_space.h"

namespace rlnas {
namespace {

constexpr double kNothing = -std::numeric_limits<double>::infinity();

// Entropy of the shares of the principal components of a feature map [N,H,W,C], pixels as samples.
double isotropy(std::span<const float> map, int channels) {
  const std::vector<double> eigenvalues =
      symmetric_eigenvalues(covariance(map.data(), channels, std::int64_t(map.size()) / channels), channels);
  double total = 0.0, entropy = 0.0;
  for (const double value : eigenvalues) total += std::max(0.0, value);
  for (const double value : eigenvalues) {
    const double share = std::max(0.0, value) / total;
    entropy -= share * std::log(share + 1e-8);
  }
  return entropy;  // NaN where nothing varies
}

void add_pixel(const float* pixel, const float* next, const float* below, std::size_t channels,
               float* __restrict sum, float* __restrict square, float* __restrict difference) {
  for (std::size_t c = 0; c < channels; ++c) {
    const float x = pixel[c], across = next[c] - x, down = below[c] - x;
    sum[c] += x;
    square[c] += x * x;
    difference[c] += across * across + down * down;
  }
}

// How much a feature map [N,H,W,C] differs from pixel to pixel: the mean square of the differences of
// neighbours over that of two independent pixels. 1 of noise, 0 of a constant map.
double pixel_contrast(std::span<const float> map, Shape shape) {
  const std::size_t height = std::size_t(shape.dims[1]), width = std::size_t(shape.dims[2]),
                    channels = std::size_t(shape.dims[3]), row = width * channels;
  // By channel, so that several are added at a time; in single precision over a row of pixels.
  std::vector<float> sum(channels), square(channels), difference(channels);
  std::vector<double> mean(channels, 0.0);
  double squares = 0.0, differences = 0.0;
  std::int64_t pairs = 0;
  for (std::size_t y = 0; y * row < map.size(); ++y) {
    const float* const first = map.data() + y * row;
    const bool has_next_row = (y + 1) % height != 0;
    for (std::vector<float>* of_row : {&sum, &square, &difference}) std::ranges::fill(*of_row, 0.0f);
    for (std::size_t x = 0; x < width; ++x) {
      // Of a pixel that is not there: the pixel itself, which differs by nothing.
      const float *const pixel = first + x * channels, *const next = x + 1 < width ? pixel + channels : pixel,
                         *const below = has_next_row ? pixel + row : pixel;
      add_pixel(pixel, next, below, channels, sum.data(), square.data(), difference.data());
    }
    for (std::size_t c = 0; c < channels; ++c) {
      mean[c] += double(sum[c]);
      squares += double(square[c]);
      differences += double(difference[c]);
    }
    pairs += std::int64_t(width - 1 + (has_next_row ? width : 0));
  }
  const double pixels = double(map.size()) / double(channels);
  double of_means = 0.0;
  for (const double m : mean) of_means += m * m / pixels;
  return differences / double(pairs) / (2.0 * (squares - of_means) / pixels);
}

// [N,H,W,C] -> [N,H/s,W/s,C*s*s].
std::vector<float> unshuffled(std::span<const float> map, Shape shape, int stride) {
  const int n = shape.dims[0], height = shape.dims[1], width = shape.dims[2], channels = shape.dims[3];
  const int out_height = height / stride, out_width = width / stride;
  std::vector<float> out(map.size());
  for (int i = 0; i < n; ++i)
    for (int h = 0; h < out_height * stride; ++h)
      for (int w = 0; w < out_width * stride; ++w) {
        const std::size_t to_pixel = (std::size_t(i) * out_height + h / stride) * out_width + w / stride;
        const int place = (h % stride) * stride + w % stride;
        const float* const from = map.data() + ((std::size_t(i) * height + h) * width + w) * channels;
        std::copy(from, from + channels,
                  out.data() + (to_pixel * std::size_t(stride * stride) + std::size_t(place)) * channels);
      }
  return out;
}

// How far from keeping its length the gradient is, from the output of a cell (a random sign everywhere) to
// its input.
double trainability(std::span<const float> out, Shape out_shape, std::span<const float> in, Shape in_shape) {
  if (in.empty() || std::ranges::equal(in, out)) return kNothing;
  int in_channels = in_shape.dims[3];
  std::vector<float> gathered;
  if (const int stride = in_shape.dims[1] / out_shape.dims[1]; stride > 1) {
    gathered = unshuffled(in, in_shape, stride);
    in = gathered;
    in_channels *= stride * stride;
  }
  const int out_channels = out_shape.dims[3];
  const std::int64_t rows = std::int64_t(out.size()) / out_channels;
  const double s = largest_singular_value(
      mean_outer_product(in.data(), in_channels, out.data(), out_channels, rows), in_channels, out_channels);
  return -s - 1.0 / (s + 1e-6) + 2.0;
}

// The features of a network one after the other, each the output of a cell whose input is the one before it.
class Chain {
 public:
  Chain(const Measuring& with, const Genes& genes)
      : with_(with), network_(with.probe->network(genes)), features_(network_.features()) {
    for (const Graph::Feature& feature : features_) taps_.push_back(feature.node);
    entropies_.resize(size());
    contrasts_.resize(size());
    trained_.assign(size(), kNothing);
  }

  std::size_t size() const { return features_.size(); }
  double entropy(std::size_t l) const { return entropies_[l]; }
  double contrast(std::size_t l) const { return contrasts_[l]; }
  double trained(std::size_t l) const { return trained_[l]; }
  // Not of a block that is the identity, which a chain may have instead of a shorter one: such a pair says
  // nothing. (A cell that hands its input on keeps its place, as published.)
  bool changes(std::size_t l) const { return taps_[l] != taps_[l - 1]; }

  void run() {
    Executor& executor = network_.executor;
    const Program::Result result =
        executor.forward(network_.program({.taps = taps_}), with_.probe->noise("input"),
                         {.statistics = Statistics::batch, .gradients = true, .weight_gradients = false});
    std::vector<Executor::HostView> maps;
    for (const Tensor& tap : result.taps) maps.push_back(executor.host_view(tap));
    parallel_for(with_.threads, size(), [&](std::size_t l) {
      const Shape shape = result.taps[l].shape;
      entropies_[l] = isotropy(maps[l].values(), shape.dims[3]);
      contrasts_[l] = pixel_contrast(maps[l].values(), shape);
    });
    for (int pass = 0; pass < passes(); ++pass) send_back(result, pass);
  }

 private:
  // Where cells also read the output before the last, two features in a row must not both send gradients
  // back: what arrives between them would be of both. Then a pass is for every second one.
  int passes() const {
    const std::vector<CellSpec>& cells = with_.space.space().cells();
    return cells.empty() ? 1 : cells.front().inputs;
  }
  void send_back(const Program::Result& result, int pass) {
    Executor& executor = network_.executor;
    std::vector<Executor::HostView> signs, gradients(size());
    for (std::size_t l = 0; l < size(); ++l) {
      const Shape shape = result.taps[l].shape;
      const Tensor& sign = with_.probe->signs(features_[l].name, shape);
      signs.push_back(executor.host_view(sign));
      if (l > 0) result.tap_gradients->seeds[l] = is_of(pass, l) ? sign : zeros(shape);
    }
    executor.backward(result, {}, pass + 1 < passes() ? Tape::After::keep : Tape::After::drop);
    for (std::size_t l = 0; l < size(); ++l)
      if (const Tensor& arrived = result.tap_gradients->arrived[l])
        gradients[l] = executor.host_view(arrived);
    parallel_for(with_.threads, size(), [&](std::size_t l) {
      if (l > 0 && is_of(pass, l))
        trained_[l] = trainability(signs[l].values(), result.taps[l].shape, gradients[l - 1].values(),
                                   result.taps[l - 1].shape);
    });
  }
  bool is_of(int pass, std::size_t l) const { return int(l) % passes() == pass; }
  Tensor zeros(Shape shape) const {
    return network_.executor.tensor(std::vector<float>(shape.count()), shape);
  }

  const Measuring& with_;
  Probe::Network& network_;
  const std::vector<Graph::Feature> features_;
  std::vector<int> taps_;
  std::vector<double> entropies_, contrasts_, trained_;
};

class Az final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 4> list{
        IndicatorInfo{.name = "az-expressivity",
                      .key = "az_expressivity",
                      .help = "AZ-NAS: entropy of the features' principal components",
                      .heading = "az-expr.",
                      .format = "%8.4f",
                      .needs = {.network = true}},
        IndicatorInfo{.name = "az-progressivity",
                      .key = "az_progressivity",
                      .help = "AZ-NAS: the least gain of that entropy from a cell to the next",
                      .heading = "az-prog.",
                      .format = "%8.5f",
                      .needs = {.network = true}},
        IndicatorInfo{.name = "az-trainability",
                      .key = "az_trainability",
                      .help = "AZ-NAS: how well cells keep the length of gradients",
                      .heading = "az-train",
                      .format = "%8.4f",
                      .needs = {.network = true}},
        IndicatorInfo{.name = "contrast",
                      .key = "contrast",
                      .help = "how much feature maps differ from pixel to pixel (ours)",
                      .heading = "contrast",
                      .format = "%8.4f",
                      .needs = {.network = true}}};
    return list;
  }

  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    Chain chain(with, genes);
    chain.run();
    double contrast = 0.0, expressivity = 0.0, progressivity = std::numeric_limits<double>::infinity(),
           sum = 0.0;
    int pairs = 0;
    for (std::size_t l = 0; l < chain.size(); ++l) {
      expressivity += chain.entropy(l);
      contrast += std::log(chain.contrast(l));
      if (l == 0 || !chain.changes(l)) continue;
      progressivity = std::min(progressivity, chain.entropy(l) - chain.entropy(l - 1));
      sum += chain.trained(l);
      ++pairs;
    }
    // A NaN is lost in a minimum, but not in the sum.
    const auto known = [](double value) { return std::isnan(value) ? kNothing : value; };
    values[0] = known(expressivity);
    values[1] = std::isnan(expressivity) ? kNothing : progressivity;
    values[2] = known(sum / pairs);
    values[3] = known(contrast / double(chain.size()));
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_az() {
  return std::make_unique<Az>();
}

}  // namespace rlnas
