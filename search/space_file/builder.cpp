#include "search/space_file/builder.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "kernels/check.h"
#include "search/blocks.h"

namespace rlnas::space_file {
namespace {

// One network as it grows.
class Builder {
 public:
  Builder(const Network& network, const NetworkOptions& options, std::span<const Genes> paths)
      : network_(network), d_(network.description()), options_(options), paths_(paths) {
    if (options.kind == NetworkKind::supernet && !d_.affine_in_supernet) affine_ = Affine::no;
  }

  Graph build() {
    int x = graph_.input({3, options_.image_size, options_.image_size});
    graph_.begin_stage("stem");
    x = layers(x, d_.stem, "stem");
    if (d_.has_two_inputs()) {
      if (older_ < 0) older_ = x;
    } else if (d_.has_cells()) {
      x = graph_.boundary(node_of(x));  // node 0 of the first cell
    }
    add_feature("stem", x);
    for (std::size_t s = 0; s < d_.stages.size(); ++s)
      x = d_.has_two_inputs() ? stage_of_two_inputs(x, s)
          : d_.has_cells()    ? stage_of_cells(x, s)
                              : stage_of_blocks(x, s);
    graph_.begin_stage("head");
    graph_.begin_unit();
    x = graph_.global_avg_pool(layers(x, d_.head, "head"));
    graph_.add_feature("features", x);
    if (d_.dropout) x = graph_.dropout(x, "dropout");
    graph_.add_output(graph_.linear(x, d_.classifier, options_.classes));
    if (auxiliary_ >= 0) graph_.add_output(auxiliary_, float(options_.auxiliary_weight));
    return std::move(graph_);
  }

 private:
  int build(const Choice& choice, const OperationSite& site) {
    return choice.operation->build(site, choice.values);
  }

  // A value before its activation, where gradients are told of it.
  void add_feature(const std::string& name, int x) {
    const auto hands_on = [&](const Node& node) {
      return node.kind == NodeKind::activation || node.kind == NodeKind::boundary ||
             (node.kind == NodeKind::sum && node.inputs.size() == 1);
    };
    int before = x;
    while (hands_on(graph_[before])) {
      const bool activates = graph_[before].kind == NodeKind::activation;
      before = graph_[before].inputs.front();
      if (activates) x = before;
    }
    graph_.add_feature(name, x);
  }
  // In memory, however many edges read it.
  int node_of(int x) { return graph_[x].kind == NodeKind::sum ? x : graph_.sum({x}); }

  int layer(int x, const Layer& one, const std::string& place) {
    const bool keeps = one.choice.operation->reshapes != Reshapes::all;
    const int channels = keeps ? graph_[x].shape.channels : network_.width(one.channels, options_);
    x = build(one.choice, {graph_, x, one.name.empty() ? place : one.name, channels, one.stride, Affine::yes,
                           options_.kind});
    if (one.is_older_input) older_ = x;
    return x;
  }

  int layers(int x, const std::vector<Layer>& all, const std::string& place) {
    for (std::size_t i = 0; i < all.size(); ++i) x = layer(x, all[i], place + "." + std::to_string(i));
    return x;
  }

  int stage_of_cells(int x, std::size_t s) {
    const Stage& stage = d_.stages[s];
    if (!stage.opening.empty()) {
      graph_.begin_stage(network_.opening_name(s).c_str());
      graph_.begin_unit();
      for (const Layer& one : stage.opening) x = layer(x, one, "cells." + std::to_string(position_++));
      x = graph_.boundary(node_of(x));
      add_feature(network_.opening_name(s), x);
    }
    for (int i = 0; i < network_.repeats(s, options_); ++i, ++cell_) {
      graph_.begin_stage(network_.stage_name(s).c_str());
      graph_.begin_unit();
      const FeatureShape shape = graph_[x].shape;
      x = graph_.boundary(cell_output(stage.cell, shape.channels, nodes_of(stage.cell, {x}, shape, 1)));
      ++position_;
      graph_.add_feature("cell " + std::to_string(cell_), x);
    }
    return x;
  }

  // The genes of the cell that comes next; none where there are no paths.
  std::span<const std::int8_t> ops_of(int kind) const {
    if (paths_.empty()) return {};
    std::span<const std::int8_t> ops = paths_[paths_.size() == 1 ? 0 : std::size_t(cell_)];
    for (int k = 0; k < kind; ++k) ops = ops.subspan(d_.cells[std::size_t(k)].edges.size());
    return ops;
  }

  // The nodes of a cell, inputs first. shape: of the last input.
  std::vector<int> nodes_of(int kind, const std::vector<int>& inputs, const FeatureShape& shape, int stride) {
    const Cell& cell = d_.cells[std::size_t(kind)];
    const FeatureShape node_shape{shape.channels, shape.height / stride, shape.width / stride};
    const auto add_op = [&](int e, int op, int source) {
      const Edge& edge = cell.edges[std::size_t(e)];
      graph_.set_owner({position_, e, op});
      const std::string name = network_.choice_name(
          {.position = position_, .target = edge.target, .source = edge.source, .edge = e, .op = op});
      int out = build(edge.choices[std::size_t(op)],
                      {graph_, source, name, shape.channels, edge.source < cell.inputs ? stride : 1, affine_,
                       options_.kind});
      graph_.set_owner({});
      if (cell.drops_paths && out != source && options_.kind == NetworkKind::stand_alone)
        out = graph_.drop_path(out, "drop:cells." + std::to_string(position_) + "._ops." + std::to_string(e));
      return out;
    };
    const CellSpec& spec = network_.cells()[std::size_t(kind)];
    if (!cell.joins_by_concat) return add_cell(graph_, spec, inputs, node_shape, ops_of(kind), add_op);
    return add_cell(spec, inputs, ops_of(kind), add_op,
                    [&](int node, const std::vector<std::vector<int>>& edges) {
                      std::vector<int> parts;
                      for (const std::vector<int>& terms : edges)
                        parts.push_back(sum_or_zeros(graph_, terms, node_shape));
                      return joined(parts, ".nodes." + std::to_string(node), shape.channels);
                    });
  }

  // Side by side, and brought back to the channels.
  int joined(const std::vector<int>& parts, const std::string& name, int channels) {
    return node_of(relu_conv_norm(graph_, graph_.concat(parts), "cells." + std::to_string(position_) + name,
                                  {.out_channels = channels}));
  }

  int cell_output(int kind, int channels, const std::vector<int>& nodes) {
    const Cell& cell = d_.cells[std::size_t(kind)];
    if (!cell.concatenates) return nodes.back();
    const std::vector<int> outputs(nodes.begin() + cell.inputs, nodes.end());
    return cell.inputs == 2 ? graph_.concat(outputs) : joined(outputs, ".output", channels);
  }

  // Each of its cells is given the outputs of the two before.
  int stage_of_two_inputs(int x, std::size_t s) {
    const Stage& stage = d_.stages[s];
    const auto add = [&](int kind, int stride, const std::string& name) {
      graph_.begin_stage(name.c_str());
      graph_.begin_unit();
      const int out = cell_of_two_inputs(kind, network_.width(stage.channels, options_), stride, x);
      older_ = std::exchange(x, out);
      graph_.add_feature("cell " + std::to_string(position_++), x);
    };
    if (stage.opening_cell >= 0) {
      add(stage.opening_cell, stage.stride, network_.opening_name(s));
      if (s + 1 == d_.stages.size() && d_.auxiliary && options_.auxiliary_weight > 0.0)
        auxiliary_ = auxiliary_head(x);
    }
    for (int i = 0; i < network_.repeats(s, options_); ++i) add(stage.cell, 1, network_.stage_name(s));
    return x;
  }

  int cell_of_two_inputs(int kind, int channels, int stride, int last) {
    const std::string name = "cells." + std::to_string(position_);
    graph_.set_owner({.cell = position_});
    const bool halves_older = graph_[older_].shape.height > graph_[last].shape.height;
    const auto preprocess = [&](int x, const std::string& part) {
      return relu_conv_norm(graph_, x, name + part, {.out_channels = channels});
    };
    const int x0 = halves_older
                       ? factorized_reduce(graph_, graph_.relu(older_), name + ".preprocess0", channels)
                       : preprocess(older_, ".preprocess0");
    const int x1 = preprocess(last, ".preprocess1");
    graph_.set_owner({});
    const FeatureShape shape = graph_[x1].shape;
    const int out =
        cell_output(kind, channels, nodes_of(kind, {graph_.sum({x0}), graph_.sum({x1})}, shape, stride));
    // Where every node has live edges, something always runs.
    return d_.cells[std::size_t(kind)].edges_per_node > 0 ? out : graph_.boundary(out);
  }

  // ReLU, average of 5x5 pixels, 1x1 convolution, norm, ReLU, 2x2 convolution to one pixel, norm, ReLU,
  // linear. Source: method.md 10.
  int auxiliary_head(int x) {
    constexpr int kSqueezed = 128, kFeatures = 768;
    const std::string features = "auxiliary_head.features.";
    const Pool pool{.kernel = 5, .stride = d_.auxiliary->stride, .padding = 0};
    const int side = pool.kernel + pool.stride;  // two windows each way
    const FeatureShape& shape = graph_[x].shape;
    RLNAS_CHECK(shape.height >= side && shape.height < side + pool.stride && shape.height == shape.width,
                usage, "the auxiliary head takes ", side, "x", side,
                " pixels from the cell that opens the last stage, not ", shape.height, "x", shape.width,
                ": choose another --image-size, or --auxiliary 0");
    x = graph_.conv(graph_.avg_pool(graph_.relu(x), pool), features + "2", {.out_channels = kSqueezed});
    x = graph_.relu(graph_.batch_norm(x, features + "3"));
    x = graph_.conv(x, features + "5", {.out_channels = kFeatures, .kernel = 2});
    if (d_.auxiliary->norm) x = graph_.batch_norm(x, features + "6");
    return graph_.linear(graph_.relu(x), "auxiliary_head.classifier", options_.classes);
  }

  int stage_of_blocks(int x, std::size_t s) {
    graph_.begin_stage(network_.stage_name(s).c_str());
    const int channels = network_.width(d_.stages[s].channels, options_);
    for (; block_ < int(network_.blocks().size()); ++block_) {
      const Network::Block& block = network_.blocks()[std::size_t(block_)];
      if (block.stage != int(s)) break;
      graph_.begin_unit();
      const int chosen = paths_.empty() ? -1 : paths_.front()[std::size_t(block_)];
      RLNAS_CHECK(chosen < int(block.choices.size()), run_failed, "block ", block_, " has no option ",
                  chosen);
      std::vector<int> outputs;
      for (int op = 0; op < int(block.choices.size()); ++op) {
        const Choice& choice = *block.choices[std::size_t(op)];
        if ((chosen >= 0 && chosen != op) || choice.operation->passes_on) continue;
        graph_.set_owner({.cell = block_, .edge = 0, .op = op});
        outputs.push_back(build(choice, {graph_, x, network_.choice_name({.block = block_, .op = op}),
                                         channels, block.stride, affine_, options_.kind}));
      }
      graph_.set_owner({});
      if (!outputs.empty()) x = graph_.sum(std::move(outputs));
      add_feature("block " + std::to_string(block_), x);
    }
    return x;
  }

  const Network& network_;
  const Description& d_;
  const NetworkOptions& options_;
  std::span<const Genes> paths_;
  Affine affine_ = Affine::yes;  // of candidates
  Graph graph_;
  int position_ = 0;  // of the next cell or opening layer
  int cell_ = 0, block_ = 0;
  int older_ = -1;      // input 0 of the next cell with two inputs
  int auxiliary_ = -1;  // logits of the auxiliary head
};

}  // namespace

Graph build_graph(const Network& network, const NetworkOptions& options, std::span<const Genes> paths) {
  return Builder(network, options, paths).build();
}

}  // namespace rlnas::space_file
