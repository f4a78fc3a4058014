#include "search/nasbench201/supernet.h"

#include <array>

#include "ops/classifier.h"
#include "ops/conv.h"
#include "ops/pool.h"

namespace rlnas::nasbench201 {
namespace {

constexpr const char* kStageNames[] = {"stage 1", "stage 2", "stage 3"};
constexpr const char* kBlockNames[] = {"block 1", "block 2"};
constexpr Pool kShortcutPool{.kernel = 2, .stride = 2, .padding = 0};

bool is_conv(Op op) {
  return op == Op::nor_conv_1x1 || op == Op::nor_conv_3x3;
}

// Which edges of a path carry data from the cell's input to its output.
struct Liveness {
  std::array<bool, kEdgeCount> edge{};
  std::array<bool, kNodeCount> needs_sum{}, needs_activated{};  // by the edges that leave the node

  Liveness(const Cell& path, Affine affine) {
    std::array<bool, kNodeCount> fed{true}, used{};
    used[kNodeCount - 1] = true;
    // An affine norm makes its shift of the zeros of a node that nothing reaches.
    const auto feeds = [&](int e) {
      return fed[kEdges[e].source] ? path.ops[e] != Op::none : affine == Affine::yes && is_conv(path.ops[e]);
    };
    for (int e = 0; e < kEdgeCount; ++e)
      if (feeds(e)) fed[kEdges[e].target] = true;
    for (int e = kEdgeCount; e-- > 0;)
      if (path.ops[e] != Op::none && used[kEdges[e].target]) used[kEdges[e].source] = true;
    for (int e = 0; e < kEdgeCount; ++e) {
      edge[e] = feeds(e) && used[kEdges[e].target];
      if (edge[e]) (is_conv(path.ops[e]) ? needs_activated : needs_sum)[kEdges[e].source] = true;
    }
  }
};

Want want_of(bool sum, bool activated) {
  if (sum && activated) return Want::both;
  return activated ? Want::activated : Want::sum;
}

// The part of `want` that `have` still lacks is made from its sum.
NodeOutput complete(Context& context, NodeOutput have, Want want) {
  if (want != Want::sum && !have.activated) have.activated = activate(context, have.sum, Activation::relu);
  return have;
}

NodeOutput zeros_like(Context& context, const NodeOutput& output) {
  const Tensor& x = output.sum ? output.sum : output.activated;
  NodeOutput zeros;
  zeros.sum = make_tensor(context.arena, x.shape);
  context.backend.run(Fill{.count = x.count(), .value = 0.0f, .y = zeros.sum.data()});
  zeros.activated = zeros.sum;
  return zeros;
}

}  // namespace

Supernet::EdgeOp Supernet::make_edge_op(const std::string& name, Conv2d geometry, Affine affine,
                                        Owner owner) {
  const Conv2d conv = builder_.conv(name + ".op.1", geometry, owner);
  return {conv, builder_.batch_norm(name + ".op.2", geometry.out_channels, affine, owner)};
}

Supernet::Supernet(const SupernetConfig& config) : config_(config), builder_(config.initializer) {
  int channels = config.channels;
  stem_ = builder_.conv("stem.0", {.in_channels = 3, .out_channels = channels, .kernel = 3, .padding = 1});
  stem_norm_ = builder_.batch_norm("stem.1", channels, Affine::yes);
  for (int stage = 0; stage < 3; ++stage) {
    if (stage > 0) {
      const std::string name = "cells." + std::to_string(items_.size());
      const int first_segment = next_segment();
      ResidualBlock block;
      block.a = make_edge_op(
          name + ".conv_a",
          {.in_channels = channels, .out_channels = 2 * channels, .kernel = 3, .stride = 2, .padding = 1},
          Affine::yes);
      block.b =
          make_edge_op(name + ".conv_b",
                       {.in_channels = 2 * channels, .out_channels = 2 * channels, .kernel = 3, .padding = 1},
                       Affine::yes);
      block.downsample =
          builder_.conv(name + ".downsample.1", {.in_channels = channels, .out_channels = 2 * channels});
      items_.push_back({false, int(blocks_.size()), first_segment});
      blocks_.push_back(block);
      channels *= 2;
    }
    for (int i = 0; i < config.cells_per_stage; ++i) {
      const int position = int(items_.size()), first_segment = next_segment();
      SearchableCell cell;
      for (int e = 0; e < kEdgeCount; ++e)
        for (int k = 0; k < 2; ++k) {
          const int op = int(Op::nor_conv_1x1) + k;
          if (config.only && config.only->ops[std::size_t(e)] != Op(op)) continue;
          const std::string name = "cells." + std::to_string(position) + ".edges." +
                                   std::to_string(kEdges[e].target) + "<-" +
                                   std::to_string(kEdges[e].source) + "." + std::to_string(op);
          cell.edges[e][k] = make_edge_op(
              name, {.in_channels = channels, .out_channels = channels, .kernel = 1 + 2 * k, .padding = k},
              config.cell_affine(), {position, e, op});
        }
      items_.push_back({true, int(cells_.size()), first_segment});
      cells_.push_back(cell);
    }
  }
  head_norm_ = builder_.batch_norm("lastact.0", channels, Affine::yes);
  classifier_ = builder_.linear("classifier", channels, config.classes);
}

Want Supernet::wanted_by(std::size_t item, std::span<const Cell> paths) const {
  if (item == items_.size()) return Want::sum;      // the head normalises before its ReLU
  if (!items_[item].searchable) return Want::both;  // the residual branch and the pooled shortcut
  const Liveness live(paths[std::size_t(items_[item].index)], config_.cell_affine());
  return want_of(live.needs_sum[0], live.needs_activated[0]);
}

NodeOutput Supernet::run_cell(Context& context, const SearchableCell& cell, const Cell& path,
                              const NodeOutput& input, Want want) const {
  const Liveness live(path, config_.cell_affine());
  std::array<NodeOutput, kNodeCount> nodes;
  nodes[0] = input;
  for (int node = 1; node < kNodeCount; ++node) {
    std::vector<SumTerm> terms;
    NodeOutput alias;  // what a lone skip edge passes on
    for (int e = 0; e < kEdgeCount; ++e) {
      if (kEdges[e].target != node || path.ops[e] == Op::none) continue;
      const NodeOutput& from = nodes[kEdges[e].source];
      const EdgeOp& op = cell.edges[e][path.ops[e] == Op::nor_conv_3x3 ? 1 : 0];
      if (!live.edge[e]) {
        if (is_conv(path.ops[e]) && context.mode == Mode::train)
          for (const int segment : {op.conv.weight, op.norm.gamma, op.norm.beta})
            if (segment >= 0) context.parameters.mark_on_path(segment);
      } else if (is_conv(path.ops[e])) {
        terms.push_back(conv_norm(context, from.activated, op.conv, op.norm));
      } else if (path.ops[e] == Op::avg_pool_3x3) {
        terms.push_back(average_3x3(from.sum));
      } else {
        alias = from;
        terms.push_back({from.sum});
      }
    }
    const bool last = node == kNodeCount - 1;
    const Want node_want = last ? want : want_of(live.needs_sum[node], live.needs_activated[node]);
    if (terms.size() == 1 && alias.sum)
      nodes[node] = complete(context, alias, node_want);
    else if (!terms.empty())
      nodes[node] = norm_sum(context, std::move(terms), node_want);
    else if (last || live.needs_activated[node])
      nodes[node] = zeros_like(context, input);  // nothing reaches it: zeros go on, and no gradient back
  }
  return nodes[kNodeCount - 1];
}

NodeOutput Supernet::run_block(Context& context, const ResidualBlock& block, const NodeOutput& input,
                               Want want) const {
  const SumTerm a = conv_norm(context, input.activated, block.a.conv, block.a.norm);
  const Tensor hidden = norm_sum(context, {a}, Want::activated).activated;
  const SumTerm b = conv_norm(context, hidden, block.b.conv, block.b.norm);
  const Tensor shortcut = conv2d(context, avg_pool(context, input.sum, kShortcutPool), block.downsample);
  return norm_sum(context, {b, {shortcut}}, want);
}

Tensor Supernet::forward(Context& context, const Tensor& images, std::span<const Cell> paths) const {
  RLNAS_CHECK(int(paths.size()) == searchable_cells(), run_failed, "a SuperNet of ", searchable_cells(),
              " cells given ", paths.size(), " paths");
  context.tape.begin_stage("stem");
  NodeOutput x = norm_sum(context, {conv_norm(context, images, stem_, stem_norm_)}, wanted_by(0, paths));
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const Want want = wanted_by(i + 1, paths);
    const std::size_t index = std::size_t(items_[i].index);
    context.tape.begin_stage(items_[i].searchable ? kStageNames[index / std::size_t(config_.cells_per_stage)]
                                                  : kBlockNames[index]);
    const int next = i + 1 < items_.size() ? items_[i + 1].first_segment : head_norm_.gamma;
    if (items_[i].first_segment < next)  // a stand-alone cell may have no weights
      context.mark_gradients_from(items_[i].first_segment);
    x = items_[i].searchable ? run_cell(context, cells_[index], paths[index], x, want)
                             : run_block(context, blocks_[index], x, want);
  }
  context.tape.begin_stage("head");
  context.mark_gradients_from(head_norm_.gamma);
  const Tensor head = norm_sum(context, {normalise(context, x.sum, head_norm_)}, Want::activated).activated;
  return linear(context, global_avg_pool(context, head), classifier_);
}

SegmentTable supernet_segments(int classes) {
  RLNAS_CHECK(classes > 0, usage, "--classes ", classes, ": must be positive");
  return Supernet({.classes = classes}).layout().parameters();
}

}  // namespace rlnas::nasbench201
