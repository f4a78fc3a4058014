// Our own convolutions, for what oneDNN would leave to its reference code and no search space has: grouped
// filters with strides or dilations it has no generated code for, depthwise ones that depthwise_conv.h lacks.
//
// Plain direct loops over an NHWC image, vectorised over channels; weights are first turned from
// [K, C/g, R, S] into an order whose last axis is the one vectorised over. Sums over images are cut as in
// conv_chunks.h. Arguments and shapes as in Backend. Determinism: bit-equal for any thread count.
#pragma once

#include "kernels/backend.h"

namespace rlnas {

std::size_t direct_conv_workspace_bytes(const ConvSpec& spec, ConvPass pass);
void direct_conv_forward(int threads, const ConvSpec& spec, const float* x, const float* w, float* y,
                         Workspace workspace);
void direct_conv_backward_data(int threads, const ConvSpec& spec, const float* dy, const float* w, float* dx,
                               Workspace workspace);
void direct_conv_backward_weights(int threads, const ConvSpec& spec, const float* x, const float* dy,
                                  float* dw, Workspace workspace);

}  // namespace rlnas
