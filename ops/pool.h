// Pooling as differentiable operations.
#pragma once

#include "ops/context.h"

namespace rlnas {

struct Pool {
  int kernel = 3;
  int stride = 1;
  int padding = 1;
};

// Average over the pixels inside the image. Shapes: x [N,H,W,C] -> [N,P,Q,C].
Tensor avg_pool(Context& context, const Tensor& x, const Pool& pool);

// Adds the gradient of such an average to what its input has; dy is that of the output.
void add_avg_pool_gradient(Context& context, const PoolSpec& spec, const Tensor& x, const Tensor& dy);

// Maximum over the pixels inside the image. Shapes: x [N,H,W,C] -> [N,P,Q,C].
Tensor max_pool(Context& context, const Tensor& x, const Pool& pool);

// Shapes: x [N,H,W,C] -> [N,C].
Tensor global_avg_pool(Context& context, const Tensor& x);

}  // namespace rlnas
