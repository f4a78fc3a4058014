// Depthwise-separable convolution: a depthwise filter, a pointwise one and a batch norm. With a dilated
// filter it is the dilated convolution of the DARTS space.
#pragma once

#include "ops/context.h"
#include "ops/layers.h"
#include "ops/norm_sum.h"

namespace rlnas {

struct SeparableConv {
  Conv2d depthwise, pointwise;
  BatchNorm norm;
};

// Shapes: x [N,H,W,C] -> [N,P,Q,K]; the normalisation itself is left to the norm_sum that takes the term.
SumTerm separable_conv(Context& context, const Tensor& x, const SeparableConv& layer);

}  // namespace rlnas
