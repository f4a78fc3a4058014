#include "search/darts/supernet_cell.h"

#include <string>
#include <vector>

#include "ops/channels.h"
#include "ops/conv.h"
#include "ops/pool.h"

namespace rlnas::darts {
namespace {

constexpr int kDilation = 2;

FactorizedReduce make_factorized_reduce(ModelBuilder& builder, const std::string& name, int in_channels,
                                        int out_channels, Owner owner) {
  const Conv2d half{.in_channels = in_channels, .out_channels = out_channels / 2};
  const Conv2d conv_1 = builder.conv(name + ".conv_1", half, owner);
  const Conv2d conv_2 = builder.conv(name + ".conv_2", half, owner);
  return {conv_1, conv_2, builder.batch_norm(name + ".bn", out_channels, Affine::yes, owner)};
}

// The convolutions op.{first}, op.{first+1} and the batch norm op.{first+2} of `name`.
SeparableConv make_separable(ModelBuilder& builder, const std::string& name, int first, Conv2d depthwise,
                             Owner owner) {
  const auto part = [&](int i) { return name + ".op." + std::to_string(first + i); };
  const int channels = depthwise.in_channels;
  const Conv2d filter = builder.conv(part(0), depthwise, owner);
  const Conv2d pointwise = builder.conv(part(1), {.in_channels = channels, .out_channels = channels}, owner);
  return {filter, pointwise, builder.batch_norm(part(2), channels, Affine::yes, owner)};
}

// Of a k x k filter that keeps the size of the image at stride 1.
Conv2d depthwise_filter(int channels, int kernel, int stride, int dilation = 1) {
  return {.in_channels = channels,
          .out_channels = channels,
          .kernel = kernel,
          .stride = stride,
          .padding = dilation * (kernel - 1) / 2,
          .dilation = dilation,
          .groups = channels};
}

// Whether the operation reads its input as it is; the others begin with a ReLU.
bool reads_sum(Op op, int stride) {
  return op == Op::max_pool_3x3 || op == Op::avg_pool_3x3 || (op == Op::skip_connect && stride == 1);
}

SumTerm sep_conv(Context& context, const Tensor& x, const std::array<SeparableConv, 2>& layers) {
  const SumTerm first = separable_conv(context, x, layers[0]);
  return separable_conv(context, norm_sum(context, {first}, Want::activated).activated, layers[1]);
}

}  // namespace

SupernetCell::EdgeOps SupernetCell::make_edge(ModelBuilder& builder, int edge, const Cell* only) const {
  const int c = geometry_.channels;
  EdgeOps ops;
  ops.stride = is_strided(geometry_.kind, edge) ? 2 : 1;
  const auto owner = [&](Op op) { return Owner{index_, edge, int(op)}; };
  const auto name = [&](Op op) {
    return "cells." + std::to_string(index_) + "._ops." + std::to_string(edge) + "._ops." +
           std::to_string(int(op));
  };
  const auto pool_norm = [&](Op op) {
    return builder.batch_norm(name(op) + ".1", c, Affine::yes, owner(op));
  };
  const auto sep = [&](Op op, int kernel) {
    const SeparableConv first =
        make_separable(builder, name(op), 1, depthwise_filter(c, kernel, ops.stride), owner(op));
    return std::array{first, make_separable(builder, name(op), 5, depthwise_filter(c, kernel, 1), owner(op))};
  };
  const auto dil = [&](Op op, int kernel) {
    return make_separable(builder, name(op), 1, depthwise_filter(c, kernel, ops.stride, kDilation),
                          owner(op));
  };
  const auto has = [&](Op op) { return only == nullptr || only->ops[std::size_t(edge)] == op; };
  if (only == nullptr) {
    ops.max_pool_norm = pool_norm(Op::max_pool_3x3);
    ops.avg_pool_norm = pool_norm(Op::avg_pool_3x3);
  }
  if (ops.stride == 2 && has(Op::skip_connect))
    ops.skip = make_factorized_reduce(builder, name(Op::skip_connect), c, c, owner(Op::skip_connect));
  if (has(Op::sep_conv_3x3)) ops.sep_3x3 = sep(Op::sep_conv_3x3, 3);
  if (has(Op::sep_conv_5x5)) ops.sep_5x5 = sep(Op::sep_conv_5x5, 5);
  if (has(Op::dil_conv_3x3)) ops.dil_3x3 = dil(Op::dil_conv_3x3, 3);
  if (has(Op::dil_conv_5x5)) ops.dil_5x5 = dil(Op::dil_conv_5x5, 5);
  return ops;
}

SupernetCell::SupernetCell(ModelBuilder& builder, int index, const CellGeometry& geometry, const Cell* only)
    : geometry_(geometry), index_(index), first_segment_(builder.parameters().size()) {
  const std::string name = "cells." + std::to_string(index) + ".preprocess";
  const int c = geometry.channels;
  const Owner owner{.cell = index};
  if (geometry.reduces_input0) {
    preprocess0_reduce_ = make_factorized_reduce(builder, name + "0", geometry.input0_channels, c, owner);
  } else {
    preprocess0_conv_ =
        builder.conv(name + "0.op.1", {.in_channels = geometry.input0_channels, .out_channels = c}, owner);
    preprocess0_norm_ = builder.batch_norm(name + "0.op.2", c, Affine::yes, owner);
  }
  preprocess1_conv_ =
      builder.conv(name + "1.op.1", {.in_channels = geometry.input1_channels, .out_channels = c}, owner);
  preprocess1_norm_ = builder.batch_norm(name + "1.op.2", c, Affine::yes, owner);
  for (int edge = 0; edge < kEdgeCount; ++edge) edges_[std::size_t(edge)] = make_edge(builder, edge, only);
}

Want SupernetCell::wanted_of(int node, const Cell& path, Want output) const {
  bool sum = node >= kInputCount && output == Want::sum;
  bool activated = node >= kInputCount && output == Want::activated;
  for (std::size_t e = 0; e < kEdgeCount; ++e)
    if (kEdges[e].source == node && path.ops[e] != Op::none)
      (reads_sum(path.ops[e], edges_[e].stride) ? sum : activated) = true;
  if (sum && activated) return Want::both;
  return activated ? Want::activated : Want::sum;
}

SumTerm SupernetCell::run_edge(Context& context, const EdgeOps& edge, Op op, const NodeOutput& from) const {
  const Pool pool{.kernel = 3, .stride = edge.stride, .padding = 1};
  switch (op) {
    case Op::none:
      break;
    case Op::max_pool_3x3:
      if (edge.max_pool_norm.channels == 0) return {max_pool(context, from.sum, pool)};
      return normalise(context, max_pool(context, from.sum, pool), edge.max_pool_norm);
    case Op::avg_pool_3x3:
      if (edge.avg_pool_norm.channels == 0)
        return edge.stride == 1 ? average_3x3(from.sum) : SumTerm{avg_pool(context, from.sum, pool)};
      return normalise(context, avg_pool(context, from.sum, pool), edge.avg_pool_norm);
    case Op::skip_connect:
      if (edge.stride == 1) return {from.sum};
      return factorized_reduce(context, from.activated, edge.skip);
    case Op::sep_conv_3x3:
      return sep_conv(context, from.activated, edge.sep_3x3);
    case Op::sep_conv_5x5:
      return sep_conv(context, from.activated, edge.sep_5x5);
    case Op::dil_conv_3x3:
      return separable_conv(context, from.activated, edge.dil_3x3);
    case Op::dil_conv_5x5:
      return separable_conv(context, from.activated, edge.dil_5x5);
  }
  fail(ErrorCode::run_failed, "DARTS cell ", index_, ": no operation ", int(op));
}

SumTerm SupernetCell::drop_edge(Context& context, std::size_t edge, Op op, const SumTerm& term,
                                const DropSpec& drop) const {
  if (!drop.active(context) || (op == Op::skip_connect && edges_[edge].stride == 1)) return term;
  const bool plain = !term.norm && !term.averaged;
  const Tensor x = plain ? term.x : norm_sum(context, {term}, Want::sum).sum;
  return {
      drop_path(context, x, "drop:cells." + std::to_string(index_) + "._ops." + std::to_string(edge), drop)};
}

Tensor SupernetCell::forward(Context& context, const Tensor& input0, const Tensor& input1, const Cell& path,
                             Want want, const DropSpec& drop) const {
  std::array<NodeOutput, kAllNodes> nodes;
  const SumTerm x0 = geometry_.reduces_input0
                         ? factorized_reduce(context, input0, preprocess0_reduce_)
                         : conv_norm(context, input0, preprocess0_conv_, preprocess0_norm_);
  const SumTerm x1 = conv_norm(context, input1, preprocess1_conv_, preprocess1_norm_);
  nodes[0] = norm_sum(context, {x0}, wanted_of(0, path, want));
  nodes[1] = norm_sum(context, {x1}, wanted_of(1, path, want));
  std::vector<Tensor> outputs;
  for (int node = kInputCount; node < kAllNodes; ++node) {
    std::vector<SumTerm> terms;
    for (std::size_t e = 0; e < kEdgeCount; ++e)
      if (kEdges[e].target == node && path.ops[e] != Op::none)
        terms.push_back(
            drop_edge(context, e, path.ops[e],
                      run_edge(context, edges_[e], path.ops[e], nodes[std::size_t(kEdges[e].source)]), drop));
    RLNAS_CHECK(!terms.empty(), run_failed, "DARTS cell ", index_, ": node ", node, " has no input");
    NodeOutput& out = nodes[std::size_t(node)];
    out = norm_sum(context, std::move(terms), wanted_of(node, path, want));
    outputs.push_back(want == Want::activated ? out.activated : out.sum);
  }
  return concat_channels(context, outputs);
}

}  // namespace rlnas::darts
