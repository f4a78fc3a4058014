// FLOPs of the convolutions and the classifier in one training step: 2 a multiply-accumulate; forward,
// gradient of the input, gradient of the weights. Batch norm, pooling and the like are not counted.
#pragma once

#include "search/nasbench201/cell.h"

namespace rlnas::bench {

enum class CountedEdges {
  live,  // what the engine runs: edges on a path from input to output; no gradients behind a cell without one
  all,   // what an unpruned PyTorch model runs: dead edges too, and gradients that are zero
};

// Of the published network (10 classes, 32x32 images) with `cell` in all 15 cells, in GFLOP.
double step_gflop(const nasbench201::Cell& cell, int batch, CountedEdges edges);

}  // namespace rlnas::bench
