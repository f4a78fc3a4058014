#include "kernels/cuda/depthwise.cuh"

namespace rlnas {

bool is_depthwise(const ConvSpec& spec) {
  return spec.groups > 1 && spec.groups == spec.in_channels && spec.groups == spec.out_channels &&
         (spec.kernel == 3 || spec.kernel == 5 || spec.kernel == 7) && (spec.stride == 1 || spec.stride == 2);
}

std::size_t depthwise_workspace_bytes(const ConvSpec& spec, ConvPass pass) {
  if (pass != ConvPass::backward_weights) return 0;
  check_spec(spec);
  return std::size_t(DepthwiseChunks(spec).blocks) * spec.weight_count() * sizeof(double);
}

void depthwise_forward(const ConvSpec& spec, const float* x, const float* w, float* y, GpuStream stream) {
  launch_depthwise<ConvPass::forward>(spec, x, w, {.dx = y}, stream);
}

void depthwise_backward_data(const ConvSpec& spec, const float* dy, const float* w,
                             const DepthwiseGradient& gradient, GpuStream stream) {
  launch_depthwise<ConvPass::backward_data>(spec, dy, w, gradient, stream);
}

void depthwise_backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                                Workspace workspace, GpuStream stream) {
  launch_depthwise_weights(spec, x, dy, dw, workspace, stream);
}

}  // namespace rlnas
