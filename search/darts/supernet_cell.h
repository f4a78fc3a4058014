// A cell of the DARTS SuperNet (method.md 4.1): every operation on each of its fourteen edges, of which a
// step runs the ones that its path names. What passes between cells is activated already: every cell begins
// with ReLUs.
#pragma once

#include <array>

#include "ops/context.h"
#include "ops/factorized_reduce.h"
#include "ops/layers.h"
#include "ops/norm_sum.h"
#include "ops/separable_conv.h"
#include "search/darts/cell.h"

namespace rlnas::darts {

struct CellShape {
  int older_channels = 0;  // of the output of the cell before the last, input 0
  int last_channels = 0;   // of the output of the last cell, input 1
  int channels = 0;        // of each node
  CellKind kind = CellKind::normal;
  CellKind last_kind = CellKind::normal;  // after a reduction, input 0 has twice the height and width
};

class SupernetCell {
 public:
  // Lays the tensors of `cells.{index}` out in forward order.
  SupernetCell(ModelBuilder& builder, int index, const CellShape& shape);

  CellKind kind() const { return shape_.kind; }
  int out_channels() const { return kNodeCount * shape_.channels; }
  int first_segment() const { return first_segment_; }

  // Runs the edges of the path alone. `want`: the output as it is or activated, not both.
  // Shapes: older [N,H,W,C0] (twice that after a reduction), last [N,H,W,C1], both activated -> [N,P,Q,4C].
  // Errors: run_failed when a node has no input.
  Tensor forward(Context& context, const Tensor& older, const Tensor& last, const Cell& path,
                 Want want) const;

 private:
  struct EdgeOps {
    int stride = 1;
    BatchNorm max_pool_norm, avg_pool_norm;
    FactorizedReduce skip;  // at stride 2
    std::array<SeparableConv, 2> sep_3x3, sep_5x5;
    SeparableConv dil_3x3, dil_5x5;
  };

  EdgeOps make_edge(ModelBuilder& builder, int edge) const;
  Want wanted_of(int node, const Cell& path, Want output) const;
  SumTerm run_edge(Context& context, const EdgeOps& edge, Op op, const NodeOutput& from) const;

  CellShape shape_;
  int index_, first_segment_;
  Conv2d preprocess0_conv_;              // unless the last cell was a reduction
  FactorizedReduce preprocess0_reduce_;  // if it was
  Conv2d preprocess1_conv_;
  BatchNorm preprocess0_norm_, preprocess1_norm_;
  std::array<EdgeOps, kEdgeCount> edges_;
};

}  // namespace rlnas::darts
