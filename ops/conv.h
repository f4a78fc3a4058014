// Convolution as a differentiable operation, alone and with the batch norm behind it.
#pragma once

#include "ops/context.h"
#include "ops/layers.h"
#include "ops/norm_sum.h"

namespace rlnas {

// Shapes: x [N,H,W,C] -> [N,P,Q,K].
Tensor conv2d(Context& context, const Tensor& x, const Conv2d& layer);

// Convolution and batch norm; the normalisation itself is left to the norm_sum that takes the term.
SumTerm conv_norm(Context& context, const Tensor& x, const Conv2d& layer, const BatchNorm& norm);
// The same of activation(source), for a source that nothing else reads: a backend that gains by it never
// writes that tensor to memory.
SumTerm conv_norm(Context& context, const SumTerm& source, Activation activation, const Conv2d& layer,
                  const BatchNorm& norm);

}  // namespace rlnas
