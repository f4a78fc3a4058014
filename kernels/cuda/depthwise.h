// Depthwise convolutions by own kernels, for callers that are plain C++: kernels and idea in depthwise.cuh.
// Beside the convolution they do what else there is to do with a tensor that they have in hand: apply the
// norm that makes their input, sum their output for the norm behind it, pass the gradient of their input back
// through an activation and sum it for the norm before it.
#pragma once

#include "kernels/backend.h"
#include "kernels/cuda/gpu_stream.h"

namespace rlnas {

// Whether the functions below take it: one filter a channel of 3x3, 5x5 or 7x7, stride 1 or 2, any dilation.
bool is_depthwise(const ConvSpec& spec);

// x, or where `norm` is not empty activation(norm(x)).
struct DepthwiseInput {
  ConstValues x = nullptr;  // [N,H,W,C]
  ConstBatchNormSaved norm = {};
  Activation activation = Activation::none;
};

// x, w [C,1,R,S] -> y [N,P,Q,C]
void depthwise_forward(const ConvSpec& spec, const DepthwiseInput& input, const float* w, Values y,
                       GpuStream stream);
// The same and the statistics of y, the result of `statistics`. counters: of last_block.cuh.
std::size_t depthwise_statistics_workspace_bytes(const ConvSpec& spec);
void depthwise_forward(const ConvSpec& spec, const DepthwiseInput& input, const float* w,
                       const BatchNormStatistics& statistics, Values y, Workspace workspace,
                       unsigned* counters, GpuStream stream);

// Where a gradient of the data goes, and what it passes on the way there.
struct DepthwiseGradient {
  Values dx = nullptr;  // [N,H,W,C]
  Activation activation = Activation::none;
  ConstValues activated = nullptr;  // [N,H,W,C], its output; not read where there is no activation
  Store store = Store::overwrite;
};
// dy [N,P,Q,C], w -> gradient.dx
void depthwise_backward_data(const ConvSpec& spec, ConstValues dy, const float* w,
                             const DepthwiseGradient& gradient, GpuStream stream);
// The same to the gradient of what the norm of `input` gave its activation; and unless `note` is null, what
// BatchNormNote has of it.
std::size_t depthwise_note_workspace_bytes(const ConvSpec& spec);
void depthwise_backward_data(const ConvSpec& spec, ConstValues dy, const float* w,
                             const DepthwiseInput& input, Values dx, Store store, void* note,
                             Workspace workspace, unsigned* counters, GpuStream stream);

// input, dy -> dw [C,1,R,S], overwritten
std::size_t depthwise_weights_workspace_bytes(const ConvSpec& spec);
void depthwise_backward_weights(const ConvSpec& spec, const DepthwiseInput& input, ConstValues dy, float* dw,
                                Workspace workspace, GpuStream stream);

}  // namespace rlnas
