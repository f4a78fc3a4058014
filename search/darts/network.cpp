#include "search/darts/network.h"

#include <string>
#include <utility>

#include "kernels/check.h"
#include "search/blocks.h"

namespace rlnas::darts {
namespace {

constexpr const char* kStageNames[] = {"stage 1", "stage 2", "stage 3"};
constexpr const char* kReductionNames[] = {"reduction 1", "reduction 2"};
constexpr int kDilation = 2;

// One DARTS network as it grows.
class Builder {
 public:
  Builder(Preset preset, const NetworkOptions& options, std::span<const Genes> paths)
      : preset_(preset), options_(options), geometries_(cell_geometries(preset, options)) {
    if (!paths.empty()) path_ = paths.front();
  }

  Graph build() {
    int x = graph_.input({3, options_.image_size, options_.image_size});
    graph_.begin_stage("stem");
    int before = x;
    stem(before, x);
    graph_.add_feature("stem", x);
    int reductions = 0;
    const int cells = int(geometries_.size());
    const int auxiliary_cell = options_.auxiliary_weight > 0.0 ? 2 * cells / 3 : -1;
    for (int c = 0; c < cells; ++c) {
      const bool reduces = geometries_[std::size_t(c)].kind == CellKind::reduce;
      graph_.begin_stage(reduces ? kReductionNames[reductions++] : kStageNames[reductions]);
      graph_.begin_unit();
      const int out = cell(c, before, x);
      before = x;
      x = out;
      graph_.add_feature("cell " + std::to_string(c), x);
      if (c == auxiliary_cell) auxiliary_ = auxiliary_head(x);
    }
    graph_.begin_stage("head");
    graph_.begin_unit();
    x = graph_.global_avg_pool(x);
    graph_.add_feature("features", x);
    graph_.add_output(graph_.linear(x, "classifier", options_.classes));
    if (auxiliary_ >= 0) graph_.add_output(auxiliary_, float(options_.auxiliary_weight));
    return std::move(graph_);
  }

 private:
  int stem_layer(int x, const std::string& conv, const std::string& norm, int channels, int stride) {
    return graph_.batch_norm(
        graph_.conv(x, conv, {.out_channels = channels, .kernel = 3, .stride = stride, .padding = 1}), norm);
  }
  // The first cell's inputs.
  void stem(int& before, int& x) {
    const int c = options_.channels;
    if (preset_ == Preset::cifar) {
      before = x = stem_layer(x, "stem.0", "stem.1", 3 * c, 1);
      return;
    }
    before = stem_layer(x, "stem0.0", "stem0.1", c / 2, 2);
    before = stem_layer(graph_.relu(before), "stem0.3", "stem0.4", c, 2);
    x = stem_layer(graph_.relu(before), "stem1.1", "stem1.2", c, 2);
  }

  int cell(int index, int input0, int input1) {
    const CellGeometry& geometry = geometries_[std::size_t(index)];
    const CellSpec& spec = cell_specs()[std::size_t(geometry.kind)];
    const std::string name = "cells." + std::to_string(index);
    const int c = geometry.channels;
    graph_.set_owner({.cell = index});
    const auto preprocess = [&](int x, const std::string& part) {
      return relu_conv_norm(graph_, x, name + part, {.out_channels = c});
    };
    const int x0 = geometry.reduces_input0
                       ? factorized_reduce(graph_, graph_.relu(input0), name + ".preprocess0", c)
                       : preprocess(input0, ".preprocess0");
    const int x1 = preprocess(input1, ".preprocess1");
    graph_.set_owner({});

    FeatureShape node_shape = graph_[x1].shape;
    if (geometry.kind == CellKind::reduce) node_shape.height /= 2, node_shape.width /= 2;
    std::span<const std::int8_t> ops;
    if (!path_.empty())
      ops = std::span(path_).subspan(geometry.kind == CellKind::normal ? 0 : std::size_t(kEdgeCount),
                                     kEdgeCount);
    const std::vector<int> nodes = add_cell(
        graph_, spec, {graph_.sum({x0}), graph_.sum({x1})}, node_shape, ops,
        [&](int edge, int op, int source) { return edge_op(index, geometry, edge, Op(op), source); });
    return graph_.concat({nodes.begin() + kInputCount, nodes.end()});
  }

  int edge_op(int cell, const CellGeometry& geometry, int edge, Op op, int source) {
    const std::string mixed = "cells." + std::to_string(cell) + "._ops." + std::to_string(edge);
    const std::string name = mixed + "._ops." + std::to_string(int(op));
    const int stride = is_strided(geometry.kind, edge) ? 2 : 1;
    if (op == Op::skip_connect && stride == 1) return source;
    graph_.set_owner({cell, edge, int(op)});
    int out = operation(op, source, name, stride);
    graph_.set_owner({});
    if (options_.kind == NetworkKind::stand_alone) out = graph_.drop_path(out, "drop:" + mixed);
    return out;
  }

  int operation(Op op, int x, const std::string& name, int stride) {
    const Pool pool{.kernel = 3, .stride = stride, .padding = 1};
    const int channels = graph_[x].shape.channels;
    const auto pooled = [&](int y) {
      return options_.kind == NetworkKind::stand_alone ? y : graph_.batch_norm(y, name + ".1");
    };
    switch (op) {
      case Op::none:
        break;
      case Op::max_pool_3x3:
        return pooled(graph_.max_pool(x, pool));
      case Op::avg_pool_3x3:
        return pooled(graph_.avg_pool(x, pool));
      case Op::skip_connect:
        return factorized_reduce(graph_, graph_.relu(x), name, channels);
      case Op::sep_conv_3x3:
      case Op::sep_conv_5x5: {
        const int kernel = op == Op::sep_conv_3x3 ? 3 : 5;
        const int first = separable(graph_, graph_.relu(x), name, 1,
                                    {.out_channels = channels, .kernel = kernel, .stride = stride});
        return separable(graph_, graph_.relu(first), name, 5, {.out_channels = channels, .kernel = kernel});
      }
      case Op::dil_conv_3x3:
      case Op::dil_conv_5x5:
        return separable(graph_, graph_.relu(x), name, 1,
                         {.out_channels = channels,
                          .kernel = op == Op::dil_conv_3x3 ? 3 : 5,
                          .stride = stride,
                          .dilation = kDilation});
    }
    fail(ErrorCode::run_failed, name, ": no such operation");
  }

  // Hung on the output of the second reduction cell: ReLU, average of 5x5 pixels, 1x1 convolution to 128
  // channels, batch norm, ReLU, 2x2 convolution to 768, ReLU, linear. CIFAR's also normalises behind the
  // second convolution; ImageNet's does not, as published. Source: method.md 10.
  int auxiliary_head(int x) {
    constexpr int kSqueezed = 128, kFeatures = 768;
    const std::string features = "auxiliary_head.features.";
    const Pool pool{.kernel = 5, .stride = preset_ == Preset::cifar ? 3 : 2, .padding = 0};
    const int side = pool.kernel + pool.stride;  // two windows each way
    const FeatureShape& shape = graph_[x].shape;
    RLNAS_CHECK(shape.height >= side && shape.height < side + pool.stride && shape.height == shape.width,
                usage, "the auxiliary head takes ", side, "x", side,
                " pixels from the second reduction cell, not ", shape.height, "x", shape.width,
                ": choose another --image-size, or --auxiliary 0");
    x = graph_.conv(graph_.avg_pool(graph_.relu(x), pool), features + "2", {.out_channels = kSqueezed});
    x = graph_.relu(graph_.batch_norm(x, features + "3"));
    x = graph_.conv(x, features + "5", {.out_channels = kFeatures, .kernel = 2});
    if (preset_ == Preset::cifar) x = graph_.batch_norm(x, features + "6");
    return graph_.linear(graph_.relu(x), "auxiliary_head.classifier", options_.classes);
  }

  Preset preset_;
  NetworkOptions options_;
  std::vector<CellGeometry> geometries_;
  Genes path_;
  Graph graph_;
  int auxiliary_ = -1;
};

}  // namespace

NetworkOptions with_published_size(Preset preset, NetworkOptions options) {
  const bool imagenet = preset == Preset::imagenet, alone = options.kind == NetworkKind::stand_alone;
  if (options.channels == 0) options.channels = imagenet ? 48 : alone ? 36 : 16;
  if (options.cells == 0) options.cells = imagenet ? 14 : alone ? 20 : 8;
  options.channels /= options.width_divisor;
  options.width_divisor = 1;
  return options;
}

std::vector<CellGeometry> cell_geometries(Preset preset, const NetworkOptions& o) {
  const int halvings = preset == Preset::imagenet ? 32 : 4;
  RLNAS_CHECK(o.classes > 0, usage, "--classes ", o.classes, ": must be positive");
  RLNAS_CHECK(o.channels > 0 && o.channels % 2 == 0, usage, "--channels ", o.channels,
              ": must be positive and even");
  RLNAS_CHECK(o.cells >= 3, usage, "--cells ", o.cells, ": a DARTS network has at least 3");
  RLNAS_CHECK(o.image_size > 0 && o.image_size % halvings == 0, usage, "--image-size ", o.image_size,
              ": must be a positive multiple of ", halvings);
  std::vector<CellGeometry> cells;
  int channels = o.channels;
  bool reduces_input0 =
      preset == Preset::imagenet;  // the first stem's output is twice as large as the second's
  for (int c = 0; c < o.cells; ++c) {
    const CellKind kind = cell_kind(c, o.cells);
    if (kind == CellKind::reduce) channels *= 2;
    cells.push_back({kind, reduces_input0, channels});
    reduces_input0 = kind == CellKind::reduce;
  }
  return cells;
}

const std::vector<CellSpec>& cell_specs() {
  static const std::vector<CellSpec> specs = [] {
    CellSpec normal{.name = "normal",
                    .heading = "normal cell\n",
                    .choices = {{.none = int(Op::none)}},
                    .inputs = kInputCount,
                    .first_output = kInputCount,
                    .node_names = {"cell k-2", "cell k-1", "node 2", "node 3", "node 4", "node 5"},
                    .output_line = "  output = nodes 2, 3, 4 and 5 side by side\n"};
    for (const Edge& edge : kEdges) normal.edges.push_back({edge.target, edge.source});
    for (int op = 0; op < kOpCount; ++op) normal.choices[0].ops.push_back(op_name(Op(op)).data());
    CellSpec reduce = normal;
    reduce.name = "reduce";
    reduce.heading = "reduction cell\n";
    return std::vector{normal, reduce};
  }();
  return specs;
}

Graph network(Preset preset, const NetworkOptions& options, std::span<const Genes> paths) {
  return Builder(preset, with_published_size(preset, options), paths).build();
}

std::vector<ChoiceSite> choice_sites(Preset preset, const NetworkOptions& options) {
  std::vector<ChoiceSite> sites;
  int index = 0;
  for (const CellGeometry& cell : cell_geometries(preset, with_published_size(preset, options))) {
    for (int edge = 0; edge < kEdgeCount; ++edge)
      sites.push_back({.gene = int(cell.kind) * kEdgeCount + edge,
                       .cell = index,
                       .edge = edge,
                       .channels = cell.channels,
                       .changes_shape = is_strided(cell.kind, edge)});
    ++index;
  }
  return sites;
}

}  // namespace rlnas::darts
