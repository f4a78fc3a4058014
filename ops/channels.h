// Tensors joined along their channels, or thinned out in the plane.
#pragma once

#include <vector>

#include "ops/context.h"

namespace rlnas {

// Shapes: parts [N,H,W,Ci], all activated by the same function or by none -> [N,H,W,sum of Ci], likewise.
// Errors: run_failed when the parts do not fit together.
Tensor concat_channels(Context& context, const std::vector<Tensor>& parts);

// Channels first .. first+channels-1. The result is activated as x is. Shapes: x [N,H,W,C] ->
// [N,H,W,channels].
Tensor slice_channels(Context& context, const Tensor& x, int first, int channels);

// Channel i of group g, of C / groups each, becomes channel i * groups + g. Activated as x is.
// Shapes: x [N,H,W,C], the same.
Tensor shuffle_channels(Context& context, const Tensor& x, int groups);

// Every second pixel of each row and column, from `offset` on. The result is activated as x is.
// Shapes: x [N,H,W,C] -> [N,P,Q,C].
Tensor subsample(Context& context, const Tensor& x, int offset);

}  // namespace rlnas
