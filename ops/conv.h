// Convolution as a differentiable operation.
#pragma once

#include "ops/context.h"
#include "ops/layers.h"

namespace rlnas {

// Shapes: x [N,H,W,C] -> [N,P,Q,K].
Tensor conv2d(Context& context, const Tensor& x, const Conv2d& layer);

}  // namespace rlnas
