// Convolution passes: cuDNN's (cudnn_conv.h), except depthwise ones, whose own kernels are in depthwise.cuh.
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/cuda_device.h"
#include "kernels/cuda/cudnn_conv.h"
#include "kernels/cuda/depthwise.h"

namespace rlnas {

std::size_t CudaBackend::conv_workspace_bytes(const ConvSpec& spec, ConvPass pass) {
  if (is_depthwise(spec)) return depthwise_workspace_bytes(spec, pass);
  return device_->conv->workspace_bytes({spec, pass});
}

void CudaBackend::conv_forward(const ConvSpec& spec, const float* x, const float* w, float* y,
                               Workspace workspace) {
  if (is_depthwise(spec)) return depthwise_forward(spec, x, w, y, stream_);
  device_->conv->run({spec, ConvPass::forward}, {.x = x, .w = w}, y, workspace);
}

void CudaBackend::conv_backward_data(const ConvSpec& spec, const float* dy, const float* w, float* dx,
                                     Workspace workspace) {
  if (is_depthwise(spec)) return depthwise_backward_data(spec, dy, w, dx, stream_);
  device_->conv->run({spec, ConvPass::backward_data}, {.w = w, .y = dy}, dx, workspace);
}

void CudaBackend::conv_backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                                        Workspace workspace) {
  if (is_depthwise(spec)) return depthwise_backward_weights(spec, x, dy, dw, workspace, stream_);
  device_->conv->run({spec, ConvPass::backward_weights}, {.x = x, .y = dy}, dw, workspace);
}

}  // namespace rlnas
