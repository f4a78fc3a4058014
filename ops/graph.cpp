#include "ops/graph.h"

#include <algorithm>
#include <utility>

#include "kernels/check.h"
#include "rlnas/spec.hpp"

namespace rlnas {

int Graph::add(NodeKind kind, FeatureShape shape, std::vector<int> inputs, std::string name) {
  Node& node = nodes_.emplace_back();
  node.kind = kind;
  node.shape = shape;
  node.inputs = std::move(inputs);
  node.name = std::move(name);
  node.owner = owner_;
  node.unit = unit_;
  node.stage = int(stages_.size()) - 1;
  return size() - 1;
}

int Graph::input(FeatureShape shape) {
  return add(NodeKind::input, shape, {});
}

int Graph::zeros(FeatureShape shape) {
  return add(NodeKind::zeros, shape, {});
}

int Graph::conv(int x, std::string name, Conv2d geometry) {
  const FeatureShape in = shape_of(x);
  geometry.in_channels = in.channels;
  RLNAS_CHECK(in.channels % geometry.groups == 0 && geometry.out_channels > 0, run_failed, name,
              ": a convolution of ", in.channels, " channels in ", geometry.groups, " groups to ",
              geometry.out_channels);
  const ConvSpec spec{1,
                      in.channels,
                      in.height,
                      in.width,
                      geometry.out_channels,
                      geometry.kernel,
                      geometry.stride,
                      geometry.padding,
                      geometry.dilation,
                      geometry.groups};
  RLNAS_CHECK(spec.out_height() > 0 && spec.out_width() > 0, usage, name, ": an image of ", in.height, "x",
              in.width, " is too small for its filter; choose a larger --image-size");
  const int node =
      add(NodeKind::conv, {geometry.out_channels, spec.out_height(), spec.out_width()}, {x}, std::move(name));
  nodes_.back().conv = geometry;
  return node;
}

int Graph::batch_norm(int x, std::string name, Affine affine) {
  const int node = add(NodeKind::batch_norm, shape_of(x), {x}, std::move(name));
  nodes_.back().affine = affine;
  return node;
}

int Graph::activation(int x, Activation activation) {
  const int node = add(NodeKind::activation, shape_of(x), {x});
  nodes_.back().activation = activation;
  return node;
}

int Graph::sum(std::vector<int> terms) {
  RLNAS_CHECK(!terms.empty(), run_failed, "a sum of nothing");
  const FeatureShape shape = shape_of(terms.front());
  for (const int term : terms)
    RLNAS_CHECK(shape_of(term) == shape, run_failed, "a sum of tensors of different shapes");
  return add(NodeKind::sum, shape, std::move(terms));
}

int Graph::concat(std::vector<int> parts) {
  RLNAS_CHECK(!parts.empty(), run_failed, "nothing to concatenate");
  FeatureShape shape = shape_of(parts.front());
  shape.channels = 0;
  for (const int part : parts) {
    const FeatureShape& one = shape_of(part);
    RLNAS_CHECK(one.height == shape.height && one.width == shape.width, run_failed,
                "images of different sizes cannot be concatenated");
    shape.channels += one.channels;
  }
  return add(NodeKind::concat, shape, std::move(parts));
}

int Graph::weighted_sum(std::vector<int> terms, int first_weight) {
  const int node = sum(std::move(terms));
  nodes_.back().kind = NodeKind::weighted_sum;
  nodes_.back().first_weight = first_weight;
  return node;
}

int Graph::slice(int x, int first, int channels) {
  FeatureShape shape = shape_of(x);
  RLNAS_CHECK(first >= 0 && channels > 0 && first + channels <= shape.channels, run_failed, "channels ",
              first, " to ", first + channels - 1, " of ", shape.channels);
  shape.channels = channels;
  const int node = add(NodeKind::slice, shape, {x});
  nodes_.back().offset = first;
  return node;
}

int Graph::channel_shuffle(int x, int groups) {
  RLNAS_CHECK(groups > 0 && shape_of(x).channels % groups == 0, run_failed, shape_of(x).channels,
              " channels in ", groups, " groups");
  const int node = add(NodeKind::channel_shuffle, shape_of(x), {x});
  nodes_.back().groups = groups;
  return node;
}

int Graph::add_pool(NodeKind kind, int x, Pool pool) {
  const FeatureShape in = shape_of(x);
  const PoolSpec spec{1, in.channels, in.height, in.width, pool.kernel, pool.stride, pool.padding};
  const int node = add(kind, {in.channels, spec.out_height(), spec.out_width()}, {x});
  nodes_.back().pool = pool;
  return node;
}

int Graph::avg_pool(int x, Pool pool) {
  return add_pool(NodeKind::avg_pool, x, pool);
}

int Graph::max_pool(int x, Pool pool) {
  return add_pool(NodeKind::max_pool, x, pool);
}

int Graph::global_avg_pool(int x) {
  return add(NodeKind::global_avg_pool, {shape_of(x).channels}, {x});
}

int Graph::subsample(int x, int offset) {
  const FeatureShape in = shape_of(x);
  const SubsampleSpec spec{
      .batch = 1, .channels = in.channels, .in_height = in.height, .in_width = in.width, .offset = offset};
  const int node = add(NodeKind::subsample, {in.channels, spec.out_height(), spec.out_width()}, {x});
  nodes_.back().offset = offset;
  return node;
}

int Graph::linear(int x, std::string name, int out_features) {
  return add(NodeKind::linear, {out_features}, {x}, std::move(name));
}

int Graph::dropout(int x, std::string name) {
  return add(NodeKind::dropout, shape_of(x), {x}, std::move(name));
}

int Graph::drop_path(int x, std::string name) {
  return add(NodeKind::drop_path, shape_of(x), {x}, std::move(name));
}

int Graph::boundary(int x) {
  return add(NodeKind::boundary, shape_of(x), {x});
}

NodeCost cost_of(const Node& node, const Graph& graph) {
  const std::int64_t channels = node.shape.channels;
  switch (node.kind) {
    case NodeKind::conv: {
      const FeatureShape in = graph[node.inputs.front()].shape;
      const std::int64_t weights =
          channels * (in.channels / node.conv.groups) * node.conv.kernel * node.conv.kernel;
      return {node.conv.macs(in.height, in.width), weights};
    }
    case NodeKind::batch_norm:
      return {0, node.affine == Affine::yes ? 2 * channels : 0};
    case NodeKind::linear: {
      const std::int64_t matrix = graph[node.inputs.front()].shape.channels * channels;
      return {matrix, matrix + channels};
    }
    default:
      return {};
  }
}

}  // namespace rlnas
