// A cell of the DARTS SuperNet (method.md 4.1): every operation on each of its fourteen edges, of which a
// step runs the ones that its path names. What passes between cells is activated already: every cell begins
// with ReLUs. With a path given it is that path's stand-alone cell (method.md 10): no other operations, and
// no batch norm behind pools.
#pragma once

#include <array>

#include "ops/context.h"
#include "ops/drop.h"
#include "ops/factorized_reduce.h"
#include "ops/layers.h"
#include "ops/norm_sum.h"
#include "ops/separable_conv.h"
#include "search/darts/cell.h"
#include "search/darts/network.h"

namespace rlnas::darts {

class SupernetCell {
 public:
  // Lays the tensors of `cells.{index}` out in forward order. `only`: null for the SuperNet's cell.
  SupernetCell(ModelBuilder& builder, int index, const CellGeometry& geometry, const Cell* only = nullptr);

  CellKind kind() const { return geometry_.kind; }
  int out_channels() const { return kNodeCount * geometry_.channels; }
  int first_segment() const { return first_segment_; }

  // Runs the edges of the path alone, dropping all but identities by `drop`. `want`: the output as it is or
  // activated, not both. Shapes: input0 [N,H,W,C0] (twice the height and width where the geometry reduces
  // it), input1 [N,H,W,C1], both activated -> [N,P,Q,4C]. Errors: run_failed when a node has no input.
  Tensor forward(Context& context, const Tensor& input0, const Tensor& input1, const Cell& path, Want want,
                 const DropSpec& drop = {}) const;

 private:
  struct EdgeOps {
    int stride = 1;
    BatchNorm max_pool_norm, avg_pool_norm;  // of a SuperNet
    FactorizedReduce skip;                   // at stride 2
    std::array<SeparableConv, 2> sep_3x3, sep_5x5;
    SeparableConv dil_3x3, dil_5x5;
  };

  EdgeOps make_edge(ModelBuilder& builder, int edge, const Cell* only) const;
  Want wanted_of(int node, const Cell& path, Want output) const;
  SumTerm run_edge(Context& context, const EdgeOps& edge, Op op, const NodeOutput& from) const;
  SumTerm drop_edge(Context& context, std::size_t edge, Op op, const SumTerm& term,
                    const DropSpec& drop) const;

  CellGeometry geometry_;
  int index_, first_segment_;
  Conv2d preprocess0_conv_;              // unless the last cell was a reduction
  FactorizedReduce preprocess0_reduce_;  // if it does
  Conv2d preprocess1_conv_;
  BatchNorm preprocess0_norm_, preprocess1_norm_;
  std::array<EdgeOps, kEdgeCount> edges_;
};

}  // namespace rlnas::darts
