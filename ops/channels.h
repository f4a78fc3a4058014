// Tensors joined along their channels.
#pragma once

#include <vector>

#include "ops/context.h"

namespace rlnas {

// Shapes: parts [N,H,W,Ci], all activated by the same function or by none -> [N,H,W,sum of Ci], likewise.
// Errors: run_failed when the parts do not fit together.
Tensor concat_channels(Context& context, const std::vector<Tensor>& parts);

}  // namespace rlnas
