// Element-wise loops on one thread, for kernels that fuse them.
#pragma once

#include "kernels/backend.h"

namespace rlnas {

// to [rows, channels] = activation(scale * x + shift); as Backend::affine_sum.
void apply_norm(Activation activation, std::int64_t rows, int channels, const float* x,
                ConstBatchNormSaved norm, float* to);
// dx (+)= dy where the activation let the value through; as Backend::activation_backward.
void pass_back(Activation activation, std::size_t count, const float* activated, const float* dy, float* dx,
               Store store);
// The same where apply_norm would make the activation's output of x [rows, channels]. dx may be dy.
void pass_back_norm(Activation activation, std::int64_t rows, int channels, const float* x,
                    ConstBatchNormSaved norm, const float* dy, float* dx);

}  // namespace rlnas
