#include "search/space_file/network.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "kernels/check.h"
#include "search/blocks.h"

namespace rlnas::space_file {
namespace {

struct Part {
  const char* name;
  int value;
};

// "cells.{position}" with the numbers put in.
std::string filled(std::string name, std::initializer_list<Part> parts) {
  for (const Part& part : parts) {
    const std::string key = "{" + std::string(part.name) + "}";
    for (std::size_t at; (at = name.find(key)) != std::string::npos;)
      name.replace(at, key.size(), std::to_string(part.value));
  }
  return name;
}

int stride_of(const std::vector<Layer>& layers) {
  int stride = 1;
  for (const Layer& layer : layers) stride *= layer.stride;
  return stride;
}

}  // namespace

// One network as it grows.
class Builder {
 public:
  Builder(const Network& network, const NetworkOptions& options, std::span<const Genes> paths)
      : network_(network), d_(network.description_), options_(options), paths_(paths) {
    if (options.kind == NetworkKind::supernet && !d_.affine_in_supernet) affine_ = Affine::no;
  }

  Graph build() {
    int x = graph_.input({3, options_.image_size, options_.image_size});
    graph_.begin_stage("stem");
    x = layers(x, d_.stem, "stem");
    if (d_.has_cells()) x = graph_.boundary(node_of(x));  // node 0 of the first cell
    add_feature("stem", x);
    for (std::size_t s = 0; s < d_.stages.size(); ++s)
      x = d_.has_cells() ? stage_of_cells(x, s) : stage_of_blocks(x, s);
    graph_.begin_stage("head");
    graph_.begin_unit();
    x = graph_.global_avg_pool(layers(x, d_.head, "head"));
    graph_.add_feature("features", x);
    if (d_.dropout) x = graph_.dropout(x, "dropout");
    graph_.add_output(graph_.linear(x, d_.classifier, options_.classes));
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
    return build(one.choice, {graph_, x, one.name.empty() ? place : one.name, channels, one.stride});
  }

  int layers(int x, const std::vector<Layer>& all, const std::string& place) {
    for (std::size_t i = 0; i < all.size(); ++i) x = layer(x, all[i], place + "." + std::to_string(i));
    return x;
  }

  int stage_of_cells(int x, std::size_t s) {
    const Stage& stage = d_.stages[s];
    if (!stage.opening.empty()) {
      graph_.begin_stage(network_.opening_names_[s].c_str());
      graph_.begin_unit();
      for (const Layer& one : stage.opening) x = layer(x, one, "cells." + std::to_string(position_++));
      x = graph_.boundary(node_of(x));
      add_feature(network_.opening_names_[s], x);
    }
    for (int i = 0; i < network_.repeats(stage, options_); ++i, ++cell_) {
      graph_.begin_stage(network_.stage_names_[s].c_str());
      graph_.begin_unit();
      x = graph_.boundary(add_cell_of(stage.cell, x));
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

  int add_cell_of(int kind, int x) {
    const Cell& cell = d_.cells[std::size_t(kind)];
    const FeatureShape shape = graph_[x].shape;
    const int position = position_++;
    const auto add_op = [&](int e, int op, int source) {
      const Edge& edge = cell.edges[std::size_t(e)];
      graph_.set_owner({position, e, op});
      const std::string name =
          filled(d_.choice_names,
                 {{"position", position}, {"target", edge.target}, {"source", edge.source}, {"op", op}});
      const int out =
          build(edge.choices[std::size_t(op)], {graph_, source, name, shape.channels, 1, affine_});
      graph_.set_owner({});
      return out;
    };
    const std::vector<int> nodes =
        add_cell(graph_, network_.cells_[std::size_t(kind)], {x}, shape, ops_of(kind), add_op);
    if (!cell.concatenates) return nodes.back();
    const int joined = graph_.concat({nodes.begin() + 1, nodes.end()});
    return node_of(relu_conv_norm(graph_, joined, "cells." + std::to_string(position) + ".output",
                                  {.out_channels = shape.channels}));
  }

  int stage_of_blocks(int x, std::size_t s) {
    graph_.begin_stage(network_.stage_names_[s].c_str());
    const int channels = network_.width(d_.stages[s].channels, options_);
    for (; block_ < int(network_.blocks_.size()); ++block_) {
      const Network::Block& block = network_.blocks_[std::size_t(block_)];
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
        outputs.push_back(build(choice, {graph_, x, filled(d_.choice_names, {{"block", block_}, {"op", op}}),
                                         channels, block.stride, affine_}));
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
};

// What the graph's and the angle's code want to know of a kind of cells.
CellSpec Network::spec_of(const Cell& cell, bool only_kind) {
  const auto kept = [&](const std::string& text) { return words_.emplace_back(text).c_str(); };
  CellSpec spec;
  if (!only_kind) spec.name = kept(cell.name), spec.heading = kept("cell " + cell.name + "\n");
  spec.choices.clear();
  for (const Edge& edge : cell.edges) {
    spec.edges.push_back({edge.target, edge.source});
    EdgeChoices& choices = spec.choices.emplace_back();
    for (int op = 0; op < int(edge.choices.size()); ++op) {
      const Choice& choice = edge.choices[std::size_t(op)];
      choices.ops.push_back(kept(choice.name));
      if (choice.operation->is_none()) choices.none = op;
      if (choice.operation->passes_on) choices.identity = op;
    }
  }
  spec.node_names.push_back("input");
  for (int node = 1; node < cell.nodes; ++node)
    spec.node_names.push_back(
        node + 1 == cell.nodes && !cell.concatenates ? "output" : kept("node " + std::to_string(node)));
  spec.first_output = cell.concatenates ? 1 : cell.nodes - 1;
  if (cell.concatenates) spec.output_line = "  output = all nodes side by side, and a 1x1 convolution\n";
  return spec;
}

Network::Network(const Description& description) : description_(description) {
  for (const Cell& cell : description.cells) cells_.push_back(spec_of(cell, description.cells.size() == 1));
  int channels = 3, reduction = stride_of(description.stem);
  for (const Layer& layer : description.stem) channels = layer.channels;
  for (std::size_t s = 0; s < description.stages.size(); ++s) {
    const Stage& stage = description.stages[s];
    stage_names_.push_back("stage " + std::to_string(s + 1));
    opening_names_.push_back("block " + std::to_string(s));
    for (int i = 0; i < (description.has_cells() ? 0 : stage.repeats); ++i) {
      Block& block = blocks_.emplace_back();
      block.stage = int(s);
      block.in = channels;
      block.stride = i == 0 ? stage.stride : 1;
      block.opens_stage = i == 0;
      block.changes_shape = block.stride != 1 || channels != stage.channels;
      block.reduction = reduction;
      for (const Choice& choice : stage.choices)
        if (is_offered(choice, channels, stage.channels, block.stride)) block.choices.push_back(&choice);
      channels = stage.channels;
      reduction *= block.stride;
    }
  }
}

int Network::repeats(const Stage& stage, const NetworkOptions& options) const {
  return options.cells > 0 ? options.cells : stage.repeats;
}

// --channels are those of the first stage; the others keep their proportion.
int Network::width(int channels, const NetworkOptions& options) const {
  const int first = description_.stages.front().channels;
  if (options.channels > 0) channels = int(std::int64_t(channels) * options.channels / first);
  return std::max(1, channels / options.width_divisor);
}

int Network::searchable_cells(const NetworkOptions& options) const {
  if (!description_.has_cells()) return 1;
  int cells = 0;
  for (const Stage& stage : description_.stages) cells += repeats(stage, options);
  return cells;
}

int Network::image_halvings() const {
  int reduction = stride_of(description_.stem) * stride_of(description_.head);
  for (const Stage& stage : description_.stages)
    reduction *= description_.has_cells() ? stride_of(stage.opening) : stage.stride;
  int halvings = 0;
  for (; reduction > 1; reduction /= 2) ++halvings;
  return halvings;
}

Graph Network::graph(const NetworkOptions& options, std::span<const Genes> paths) const {
  const int divisor = 1 << image_halvings();
  RLNAS_CHECK(options.classes > 0, usage, "--classes ", options.classes, ": must be positive");
  RLNAS_CHECK(options.image_size > 0 && options.image_size % divisor == 0, usage, "--image-size ",
              options.image_size, ": must be a positive multiple of ", divisor);
  const int cells = searchable_cells(options);
  RLNAS_CHECK(paths.size() <= 1 || int(paths.size()) == cells, run_failed, "a SuperNet of ", cells,
              " cells given ", paths.size(), " paths");
  return Builder(*this, options, paths).build();
}

std::vector<ChoiceSite> Network::sites(const NetworkOptions& options) const {
  std::vector<ChoiceSite> sites;
  for (std::size_t b = 0; b < blocks_.size(); ++b)
    sites.push_back({.gene = int(b),
                     .cell = int(b),
                     .channels = width(blocks_[b].in, options),
                     .changes_shape = blocks_[b].changes_shape});
  if (!description_.has_cells()) return sites;
  std::vector<int> first{0};  // gene of each kind of cells
  for (const Cell& cell : description_.cells) first.push_back(first.back() + int(cell.edges.size()));
  int position = 0;
  for (const Stage& stage : description_.stages) {
    position += int(stage.opening.size());
    for (int i = 0; i < repeats(stage, options); ++i, ++position)
      for (int edge = 0; edge < int(description_.cells[std::size_t(stage.cell)].edges.size()); ++edge)
        sites.push_back({.gene = first[std::size_t(stage.cell)] + edge,
                         .cell = position,
                         .edge = edge,
                         .channels = width(stage.channels, options)});
  }
  return sites;
}

}  // namespace rlnas::space_file
