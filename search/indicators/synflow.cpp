// SynFlow (Tanaka et al., NeurIPS 2020): how much of the output R = sum of logits each weight carries when
// batch norms are left out, all weights count by their magnitude and the image is all ones; summed over
// convolutions and the classifier.
//
// Such a network is a sum over paths of products of weights, so sum |w dR/dw| counts every path's product
// once for each weight on it. Values and weighted values (each path's product times the weights on it so far)
// go forward side by side: a layer of weights W makes v' = W v and u' = W u + W v. No backward pass is
// needed. Products of fifty layers leave the range of floats, hence doubles.
#include <Eigen/Dense>
#include <array>
#include <cmath>
#include <limits>

#include "kernels/check.h"
#include "search/indicators/groups.h"
#include "search/probe.h"

namespace rlnas {
namespace {

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Shapes: [H*W, C] each.
struct Flow {
  Rows values, weighted;
};

class PositiveNetwork {
 public:
  PositiveNetwork(const Graph& graph, const NetworkLayout& layout, const std::vector<float>& weights)
      : graph_(graph), layout_(layout), weights_(weights) {}

  double weighted_output() {
    flows_.resize(std::size_t(graph_.size()));
    for (int n = 0; n < graph_.size(); ++n) flows_[std::size_t(n)] = flow_of(graph_[n]);
    return flows_[std::size_t(graph_.outputs().front().node)].weighted.sum();
  }

 private:
  const Flow& input(const Node& node, std::size_t i = 0) const { return flows_[std::size_t(node.inputs[i])]; }
  const FeatureShape& input_shape(const Node& node) const { return graph_[node.inputs.front()].shape; }
  static Flow zeros(const FeatureShape& shape) {
    const Rows none = Rows::Zero(shape.height * shape.width, shape.channels);
    return {none, none};
  }

  Flow flow_of(const Node& node) const {
    switch (node.kind) {
      case NodeKind::input:
        return {Rows::Ones(node.shape.height * node.shape.width, node.shape.channels),
                zeros(node.shape).weighted};
      case NodeKind::zeros:
        return zeros(node.shape);
      case NodeKind::conv:
        return conv(node);
      case NodeKind::batch_norm:  // left out
      case NodeKind::activation:  // of what is positive
      case NodeKind::dropout:
      case NodeKind::drop_path:
      case NodeKind::boundary:
        return input(node);
      case NodeKind::sum: {
        Flow total = input(node);
        for (std::size_t i = 1; i < node.inputs.size(); ++i) {
          total.values += input(node, i).values;
          total.weighted += input(node, i).weighted;
        }
        return total;
      }
      case NodeKind::concat:
        return concat(node);
      case NodeKind::avg_pool:
      case NodeKind::max_pool:
        return pool(node);
      case NodeKind::global_avg_pool:
        return {input(node).values.colwise().mean(), input(node).weighted.colwise().mean()};
      case NodeKind::subsample:
        return subsample(node);
      case NodeKind::linear:
        return linear(node);
      case NodeKind::weighted_sum:
      case NodeKind::slice:
      case NodeKind::channel_shuffle:  // of no architecture
        break;
    }
    fail(ErrorCode::run_failed, "synflow: an operation that it does not know");
  }

  Flow conv(const Node& node) const {
    const Conv2d& layer = layout_.conv(node.name);
    const float* const w = weights_.data() + layout_.tensors().parameters()[layer.weight].offset;
    const FeatureShape &in = input_shape(node), &out = node.shape;
    const int groups = layer.groups, taps = layer.kernel * layer.kernel;
    const int group_in = in.channels / groups, group_out = out.channels / groups;
    if (group_in == 1 && group_out == 1) return depthwise(node, layer, w);
    Flow y = zeros(out);
    // One group at a time: pixels under each tap side by side, values above weighted ones.
    const int pixels = out.height * out.width;
    Rows &patches = patches_, &magnitudes = magnitudes_;  // kept: large memory costs more to get than to fill
    patches.resize(2 * pixels, taps * group_in);
    magnitudes.resize(taps * group_in, group_out);
    for (int g = 0; g < groups; ++g) {
      patches.setZero();
      for (int h = 0; h < out.height; ++h)
        for (int v = 0; v < out.width; ++v)
          for (int t = 0; t < taps; ++t) {
            const int y_in = h * layer.stride - layer.padding + (t / layer.kernel) * layer.dilation;
            const int x_in = v * layer.stride - layer.padding + (t % layer.kernel) * layer.dilation;
            if (y_in < 0 || x_in < 0 || y_in >= in.height || x_in >= in.width) continue;
            const int from = y_in * in.width + x_in, to = h * out.width + v;
            patches.row(to).segment(t * group_in, group_in) =
                input(node).values.row(from).segment(g * group_in, group_in);
            patches.row(pixels + to).segment(t * group_in, group_in) =
                input(node).weighted.row(from).segment(g * group_in, group_in);
          }
      for (int k = 0; k < group_out; ++k)
        for (int c = 0; c < group_in; ++c)
          for (int t = 0; t < taps; ++t)
            magnitudes(t * group_in + c, k) =
                std::abs(double(w[(std::size_t(g * group_out + k) * group_in + c) * taps + t]));
      product_.noalias() = patches * magnitudes;
      y.values.middleCols(g * group_out, group_out) = product_.topRows(pixels);
      y.weighted.middleCols(g * group_out, group_out) =
          product_.topRows(pixels) + product_.bottomRows(pixels);
    }
    return y;
  }

  // A channel alone is too little for a product of matrices: all channels of a pixel at a time.
  Flow depthwise(const Node& node, const Conv2d& layer, const float* w) const {
    const FeatureShape &in = input_shape(node), &out = node.shape;
    const int taps = layer.kernel * layer.kernel;
    const Rows magnitudes =
        Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic>>(w, taps, out.channels)
            .cast<double>()
            .cwiseAbs();  // [taps,C]: w is [C,taps]
    const Flow& x = input(node);
    Flow y = zeros(out);
    for (int h = 0; h < out.height; ++h)
      for (int v = 0; v < out.width; ++v) {
        const int to = h * out.width + v;
        for (int t = 0; t < taps; ++t) {
          const int y_in = h * layer.stride - layer.padding + (t / layer.kernel) * layer.dilation;
          const int x_in = v * layer.stride - layer.padding + (t % layer.kernel) * layer.dilation;
          if (y_in < 0 || x_in < 0 || y_in >= in.height || x_in >= in.width) continue;
          const int from = y_in * in.width + x_in;
          y.values.row(to) += x.values.row(from).cwiseProduct(magnitudes.row(t));
          y.weighted.row(to) += x.weighted.row(from).cwiseProduct(magnitudes.row(t));
        }
      }
    y.weighted += y.values;
    return y;
  }

  Flow linear(const Node& node) const {
    const Linear& layer = layout_.linear(node.name);
    const float* const w = weights_.data() + layout_.tensors().parameters()[layer.weight].offset;
    const Rows magnitudes =
        Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
            w, layer.out_features, layer.in_features)
            .cast<double>()
            .cwiseAbs();
    const Rows values = input(node).values * magnitudes.transpose();
    return {values, input(node).weighted * magnitudes.transpose() + values};
  }

  // Averages are over the pixels inside the image; of a maximum the weighted value is that of the largest
  // value.
  Flow pool(const Node& node) const {
    const FeatureShape &in = input_shape(node), &out = node.shape;
    const Flow& x = input(node);
    Flow y = zeros(out);
    for (int h = 0; h < out.height; ++h)
      for (int v = 0; v < out.width; ++v) {
        const int to = h * out.width + v;
        int inside = 0;
        for (int t = 0; t < node.pool.kernel * node.pool.kernel; ++t) {
          const int y_in = h * node.pool.stride - node.pool.padding + t / node.pool.kernel;
          const int x_in = v * node.pool.stride - node.pool.padding + t % node.pool.kernel;
          if (y_in < 0 || x_in < 0 || y_in >= in.height || x_in >= in.width) continue;
          const int from = y_in * in.width + x_in;
          ++inside;
          if (node.kind == NodeKind::avg_pool) {
            y.values.row(to) += x.values.row(from);
            y.weighted.row(to) += x.weighted.row(from);
            continue;
          }
          for (int c = 0; c < in.channels; ++c) {
            if (inside > 1 && x.values(from, c) <= y.values(to, c)) continue;
            y.values(to, c) = x.values(from, c);
            y.weighted(to, c) = x.weighted(from, c);
          }
        }
        if (node.kind == NodeKind::avg_pool) {
          y.values.row(to) /= inside;
          y.weighted.row(to) /= inside;
        }
      }
    return y;
  }

  Flow concat(const Node& node) const {
    Flow y = zeros(node.shape);
    int first = 0;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const Flow& part = input(node, i);
      y.values.middleCols(first, part.values.cols()) = part.values;
      y.weighted.middleCols(first, part.values.cols()) = part.weighted;
      first += int(part.values.cols());
    }
    return y;
  }

  // Behind an offset the last row and column may lie outside: zeros.
  Flow subsample(const Node& node) const {
    const FeatureShape &in = input_shape(node), &out = node.shape;
    Flow y = zeros(out);
    for (int h = 0; h < out.height; ++h)
      for (int v = 0; v < out.width; ++v) {
        const int y_in = 2 * h + node.offset, x_in = 2 * v + node.offset;
        if (y_in >= in.height || x_in >= in.width) continue;
        y.values.row(h * out.width + v) = input(node).values.row(y_in * in.width + x_in);
        y.weighted.row(h * out.width + v) = input(node).weighted.row(y_in * in.width + x_in);
      }
    return y;
  }

  const Graph& graph_;
  const NetworkLayout& layout_;
  const std::vector<float>& weights_;
  std::vector<Flow> flows_;
  mutable Rows patches_, magnitudes_, product_;
};

class Synflow final : public IndicatorGroup {
 public:
  std::span<const IndicatorInfo> infos() const override {
    static constexpr std::array<IndicatorInfo, 1> list{
        IndicatorInfo{.name = "synflow",
                      .key = "synflow",
                      .help = "SynFlow: ln of what the weights carry, by their magnitudes",
                      .heading = " synflow",
                      .format = "%8.4f",
                      .needs = {.network = true}}};
    return list;
  }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    const Probe::Network& network = with.probe->network(genes);
    values[0] = std::log(PositiveNetwork(network.graph, network.layout, network.weights).weighted_output());
  }
};

}  // namespace

std::unique_ptr<IndicatorGroup> make_synflow() {
  return std::make_unique<Synflow>();
}

}  // namespace rlnas
