// The skip connection at stride 2 of the DARTS space: two 1x1 convolutions of stride 2, one of them a pixel
// further on, each to half of the channels, and a batch norm. Source: method.md 4.1.
#pragma once

#include "ops/context.h"
#include "ops/layers.h"
#include "ops/norm_sum.h"

namespace rlnas {

struct FactorizedReduce {
  Conv2d conv_1, conv_2;  // 1x1, stride 1: they are given the pixels they would have picked
  BatchNorm norm;
};

// Shapes: x [N,H,W,C], already activated -> [N,H/2,W/2,K]. Errors: usage when H or W is odd.
SumTerm factorized_reduce(Context& context, const Tensor& x, const FactorizedReduce& layer);

// Every second pixel of each row and column, from `offset` on. The result is activated as x is.
// Shapes: x [N,H,W,C] -> [N,P,Q,C].
Tensor subsample(Context& context, const Tensor& x, int offset);

}  // namespace rlnas
