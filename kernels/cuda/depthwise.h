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

// x, which the activation has made, or where `norm` is not empty activation(norm(x)).
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

// The gradient of its output: dz, or where `norm` is not empty what that is before activation(norm(y)).
struct DepthwiseOutputGradient {
  ConstValues dz;           // [N,P,Q,C]
  ConstValues y = nullptr;  // likewise
  ConstBatchNormSaved norm = {};
  Activation activation = Activation::none;
  const void* note = nullptr;                 // of dz, BatchNormNote of norm_results.cuh
  float *dgamma = nullptr, *dbeta = nullptr;  // [C], where the note's go, or null
};

// What is made of it.
struct DepthwiseGradients {
  float* dw = nullptr;  // [C,1,R,S], or null
  Values dx = nullptr;  // [N,H,W,C], or null; passed back through the activation of the input
  Store store = Store::overwrite;
  void* note = nullptr;  // what BatchNormNote has of dx, for the norm of the input, or null
};

// output, w, input -> wanted. counters: of last_block.cuh.
std::size_t depthwise_gradients_workspace_bytes(const ConvSpec& spec);
void depthwise_gradients(const ConvSpec& spec, const DepthwiseOutputGradient& output, const float* w,
                         const DepthwiseInput& input, const DepthwiseGradients& wanted, Workspace workspace,
                         unsigned* counters, GpuStream stream);

}  // namespace rlnas
