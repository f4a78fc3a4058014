// Depthwise convolutions by own kernels, for callers that are plain C++: kernels and idea in depthwise.cuh.
#pragma once

#include "kernels/backend.h"
#include "kernels/cuda/gpu_stream.h"

namespace rlnas {

// Whether the functions below take it: one filter a channel of 3x3, 5x5 or 7x7, stride 1 or 2, any dilation.
bool is_depthwise(const ConvSpec& spec);

// Only the weights' gradient needs any.
std::size_t depthwise_workspace_bytes(const ConvSpec& spec, ConvPass pass);
// x [N,H,W,C], w [C,1,R,S] -> y [N,P,Q,C]
void depthwise_forward(const ConvSpec& spec, const float* x, const float* w, float* y, GpuStream stream);
// Where a gradient of the data goes, and what it passes on the way there.
struct DepthwiseGradient {
  float* dx = nullptr;  // [N,H,W,C]
  Activation activation = Activation::none;
  const float* activated = nullptr;  // [N,H,W,C], its output; not read where there is no activation
  Store store = Store::overwrite;
};
// dy [N,P,Q,C], w -> gradient.dx
void depthwise_backward_data(const ConvSpec& spec, const float* dy, const float* w,
                             const DepthwiseGradient& gradient, GpuStream stream);
// x, dy -> dw [C,1,R,S], overwritten
void depthwise_backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                                Workspace workspace, GpuStream stream);

}  // namespace rlnas
