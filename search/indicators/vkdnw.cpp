// VKDNW (Tybl and Neumann, 2025): how evenly the Fisher information of a few weights is spread. Of each
// parameter tensor, in the layout's order, the first number counts, of at most 128 tensors. J: the Jacobian
// of an image's logits by these numbers, in evaluation mode (statistics 0 and 1); L: the Cholesky factor of
// the covariance of its class, by the smoothed softmax; F: the mean over images of (L J)^T (L J), as
// published. The entropy of the nine deciles of F's singular values, normalised, ranks networks of as many
// tensors; one of more tensors comes before. As one number: tensors + entropy / ln 10, whose second term is
// below one.
//
// The derivative by a single weight is a sum over pixels of what arrives at the layer's output times what the
// weight is multiplied with there, so that a backward pass of values alone, with taps on the outputs, has all
// that is needed: one for each class, of many images at once, since here images do not see each other.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "data/parallel_for.h"
#include "search/dense.h"
#include "search/indicators/groups.h"
#include "search/probe.h"

namespace rlnas {
namespace {

constexpr std::size_t kMostTensors = 128;
constexpr int kChunk = 16;  // images of a pass: the gradients at all taps are kept
constexpr double kSmoothing = 0.05, kTiny = 1e-10;

float activated(float value, Activation activation) {
  if (activation == Activation::none) return value;
  return activation == Activation::relu6 ? std::clamp(value, 0.0f, 6.0f) : std::max(value, 0.0f);
}

// The first number of a parameter tensor.
struct Scalar {
  enum class Kind { conv, gamma, beta, matrix, bias } kind;
  int tap = -1;                // the layer's output, or the matrix's input
  int input = -1;              // tap of what the convolution reads, before its activation; -1: the images
  const Node* node = nullptr;  // of the layer
  FeatureShape input_shape = {};
  Activation activation = Activation::none;  // of the input
  float gamma = 1.0f, beta = 0.0f;           // first ones
};

class Scalars {
 public:
  Scalars(const Probe::Network& network) : network_(network) {
    const Graph& graph = network.graph;
    for (int n = 0; n < graph.size() && list.size() < kMostTensors; ++n) add(graph, n);
    list.resize(std::min(list.size(), kMostTensors));
  }

  std::vector<Scalar> list;
  std::vector<int> taps;

 private:
  void add(const Graph& graph, int n) {
    const Node& node = graph[n];
    if (node.kind == NodeKind::conv) {
      int source = node.inputs.front();
      Scalar scalar{.kind = Scalar::Kind::conv, .node = &node, .input_shape = graph[source].shape};
      if (graph[source].kind == NodeKind::activation) {
        scalar.activation = graph[source].activation;
        source = graph[source].inputs.front();
      }
      if (source != 0) scalar.input = tap(source);
      scalar.tap = tap(n);
      list.push_back(scalar);
    } else if (node.kind == NodeKind::batch_norm && node.affine == Affine::yes) {
      const BatchNorm& norm = network_.layout.batch_norm(node.name);
      Scalar scalar{.kind = Scalar::Kind::gamma, .tap = tap(n), .node = &node};
      scalar.gamma = first(norm.gamma);
      scalar.beta = first(norm.beta);
      list.push_back(scalar);
      scalar.kind = Scalar::Kind::beta;
      list.push_back(scalar);
    } else if (node.kind == NodeKind::linear) {
      list.push_back({.kind = Scalar::Kind::matrix, .tap = tap(node.inputs.front()), .node = &node});
      list.push_back({.kind = Scalar::Kind::bias, .node = &node});
    }
  }
  int tap(int node) {
    const auto [place, is_new] = places_.try_emplace(node, int(taps.size()));
    if (is_new) taps.push_back(node);
    return place->second;
  }
  float first(int segment) const {
    return network_.weights[std::size_t(network_.layout.tensors().parameters()[segment].offset)];
  }

  const Probe::Network& network_;
  std::map<int, int> places_;
};

// What the number is multiplied with at each pixel of the first channel of the output, of one image.
// Shapes: input [H,W,C], output [P,Q,K] -> factors [P*Q].
void factors_of(const Scalar& scalar, const float* input, const float* output, float* factors) {
  const FeatureShape &in = scalar.input_shape, &out = scalar.node->shape;
  const Conv2d& conv = scalar.node->conv;
  for (int p = 0; p < out.height; ++p)
    for (int q = 0; q < out.width; ++q, ++factors) {
      if (scalar.kind == Scalar::Kind::beta) *factors = 1.0f;
      if (scalar.kind == Scalar::Kind::gamma)
        *factors = (output[(p * out.width + q) * out.channels] - scalar.beta) / scalar.gamma;
      if (scalar.kind != Scalar::Kind::conv) continue;
      const int h = p * conv.stride - conv.padding, w = q * conv.stride - conv.padding;
      const bool inside = h >= 0 && w >= 0 && h < in.height && w < in.width;
      *factors = inside ? activated(input[(h * in.width + w) * in.channels], scalar.activation) : 0.0f;
    }
}

// The lower triangular L of L L^T = diag(p) - p p^T, p the smoothed softmax. Shapes: [classes,classes].
std::vector<double> covariance_factor(std::span<const float> logits) {
  const std::size_t classes = logits.size();
  const double largest = *std::ranges::max_element(logits);
  std::vector<double> p(classes), factor(classes * classes, 0.0);
  double sum = 0.0;
  for (std::size_t k = 0; k < classes; ++k) sum += p[k] = std::exp(logits[k] - largest);
  for (double& share : p) share = share / sum * (1.0 - kSmoothing) + kSmoothing / double(classes);
  double left = 1.0;  // of the classes from j on
  for (std::size_t j = 0; j + 1 < classes; ++j) {
    const double behind = left - p[j];
    const double diagonal = factor[j * classes + j] = std::sqrt(p[j] * behind / left);
    for (std::size_t k = j + 1; k < classes; ++k) factor[k * classes + j] = -p[k] * diagonal / behind;
    left = behind;
  }
  return factor;
}

double entropy_of_deciles(std::vector<double> values) {
  for (double& value : values) value = std::abs(value);
  std::ranges::sort(values);
  std::array<double, 9> deciles;
  double sum = kTiny, entropy = 0.0;
  for (std::size_t d = 0; d < deciles.size(); ++d) {
    const double place = double(d + 1) / 10.0 * double(values.size() - 1);
    const std::size_t below = std::size_t(place), above = std::min(below + 1, values.size() - 1);
    deciles[d] = values[below] + (place - double(below)) * (values[above] - values[below]);
    sum += deciles[d];
  }
  for (const double decile : deciles) entropy -= decile / sum * std::log(decile / sum + kTiny);
  return entropy;
}

class FisherInformation {
 public:
  FisherInformation(const Measuring& with, Probe::Network& network)
      : with_(with),
        network_(network),
        scalars_(network),
        program_(network.program({.taps = scalars_.taps})),
        sum_(scalars_.list.size() * scalars_.list.size(), 0.0) {}

  std::vector<double> mean() {
    const int batch = with_.probe->options().batch;
    for (int first = 0; first < batch; first += kChunk) add(first, std::min(kChunk, batch - first));
    for (double& value : sum_) value /= batch;
    return sum_;
  }
  int size() const { return int(scalars_.list.size()); }

 private:
  using Views = std::vector<Executor::HostView>;

  // Images first .. first+count-1.
  void add(int first, int count) {
    Executor& executor = network_.executor;
    const Tensor images = with_.probe->noise_part(first, count);
    const Program::Result result = executor.forward(
        program_, images, {.statistics = Statistics::running, .gradients = true, .weight_gradients = false});
    const std::vector<float> logits = executor.host(result.logits);
    const std::size_t classes = std::size_t(result.logits.c());
    Views outputs;
    for (const Tensor& tap : result.taps) outputs.push_back(executor.host_view(tap));
    make_factors(executor.host_view(images), outputs, count);
    // Shapes: [images,classes,scalars].
    std::vector<double> jacobians(std::size_t(count) * classes * scalars_.list.size(), 0.0);
    for (std::size_t k = 0; k < classes; ++k) {
      std::vector<float> seed(logits.size(), 0.0f);
      for (std::size_t n = 0; n < std::size_t(count); ++n) seed[n * classes + k] = 1.0f;
      std::ranges::fill(result.tap_gradients->arrived, Tensor{});
      executor.backward(result, executor.tensor(seed, result.logits.shape, Layout::matrix),
                        k + 1 < classes ? Tape::After::keep : Tape::After::drop);
      Views arrived(scalars_.taps.size());
      for (std::size_t t = 0; t < arrived.size(); ++t)
        if (const Tensor& gradient = result.tap_gradients->arrived[t])
          arrived[t] = executor.host_view(gradient);
      parallel_for(with_.threads, scalars_.list.size(), [&](std::size_t s) {
        for (std::size_t n = 0; n < std::size_t(count); ++n)
          jacobians[(n * classes + k) * scalars_.list.size() + s] = slope(s, n, k, outputs, arrived);
      });
    }
    for (std::size_t n = 0; n < std::size_t(count); ++n)
      add_image(std::span(logits).subspan(n * classes, classes),
                jacobians.data() + n * classes * scalars_.list.size());
  }

  std::size_t pixels(const Scalar& scalar) const {
    return std::size_t(scalar.node->shape.height) * std::size_t(scalar.node->shape.width);
  }

  void make_factors(const Executor::HostView& images, const Views& outputs, int count) {
    first_factor_.assign(1, 0);
    for (const Scalar& scalar : scalars_.list)
      first_factor_.push_back(first_factor_.back() + pixels(scalar) * std::size_t(count));
    std::vector<float>& factors = with_.probe->scratch(first_factor_.back());
    factors_ = factors.data();
    parallel_for(with_.threads, scalars_.list.size(), [&](std::size_t s) {
      const Scalar& scalar = scalars_.list[s];
      if (scalar.kind == Scalar::Kind::matrix || scalar.kind == Scalar::Kind::bias) return;
      const std::span<const float> input =
          scalar.input < 0 ? images.values() : outputs[std::size_t(scalar.input)].values();
      const std::span<const float> output = outputs[std::size_t(scalar.tap)].values();
      for (std::size_t n = 0; n < std::size_t(count); ++n)
        factors_of(scalar, input.data() + n * (input.size() / std::size_t(count)),
                   output.data() + n * (output.size() / std::size_t(count)),
                   factors.data() + first_factor_[s] + n * pixels(scalar));
    });
  }

  // Of image n's logit k by number s.
  double slope(std::size_t s, std::size_t n, std::size_t k, const Views& outputs,
               const Views& arrived) const {
    const Scalar& scalar = scalars_.list[s];
    if (scalar.kind == Scalar::Kind::bias) return k == 0 ? 1.0 : 0.0;
    const std::size_t tap = std::size_t(scalar.tap);
    if (scalar.kind == Scalar::Kind::matrix) {
      const std::size_t features = std::size_t(network_.layout.linear(scalar.node->name).in_features);
      return k == 0 ? outputs[tap].values()[n * features] : 0.0;
    }
    if (arrived[tap].values().empty()) return 0.0;
    const std::size_t count = pixels(scalar), channels = std::size_t(scalar.node->shape.channels);
    const float* const gradient = arrived[tap].values().data() + n * count * channels;
    const float* const factors = factors_ + first_factor_[s] + n * count;
    double sum = 0.0;
    for (std::size_t i = 0; i < count; ++i) sum += double(gradient[i * channels]) * factors[i];
    return sum;
  }

  void add_image(std::span<const float> logits, const double* jacobian) {
    const std::size_t size = scalars_.list.size(), classes = logits.size();
    const std::vector<double> factor = covariance_factor(logits);
    std::vector<double> row(size);
    for (std::size_t k = 0; k < classes; ++k) {
      std::ranges::fill(row, 0.0);
      for (std::size_t j = 0; j <= k; ++j)
        for (std::size_t s = 0; s < size; ++s) row[s] += factor[k * classes + j] * jacobian[j * size + s];
      for (std::size_t s = 0; s < size; ++s)
        for (std::size_t t = 0; t < size; ++t) sum_[s * size + t] += row[s] * row[t];
    }
  }

  const Measuring& with_;
  Probe::Network& network_;
  const Scalars scalars_;
  const Program program_;
  std::vector<double> sum_;
  std::vector<std::size_t> first_factor_;  // of each number, behind them the end
  const float* factors_ = nullptr;
};

class Vkdnw final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 1> list{
        IndicatorInfo{.name = "vkdnw",
                      .key = "vkdnw",
                      .help = "VKDNW: number of tensors, then how even the Fisher information is",
                      .heading = "   vkdnw",
                      .format = "%8.4f",
                      .needs = {.network = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    Probe::Network& network = with.probe->network(genes);
    FisherInformation information(with, network);
    const double entropy = entropy_of_deciles(symmetric_eigenvalues(information.mean(), information.size()));
    values[0] = double(network.layout.tensors().parameters().size()) + entropy / std::log(10.0);
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_vkdnw() {
  return std::make_unique<Vkdnw>();
}

}  // namespace rlnas
