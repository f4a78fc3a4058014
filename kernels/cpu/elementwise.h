// Element-wise loops on one thread, for kernels that fuse them.
#pragma once

#include "kernels/backend.h"

namespace rlnas {

// dx (+)= dy where the activation let the value through; as Backend::activation_backward.
void pass_back(Activation activation, std::size_t count, const float* activated, const float* dy, float* dx,
               Store store);

}  // namespace rlnas
