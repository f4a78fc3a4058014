// Convolution passes: cuDNN's (cudnn_conv.h), except depthwise ones, whose own kernels are in depthwise.cuh.
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/cuda_device.h"
#include "kernels/cuda/cudnn_conv.h"
#include "kernels/cuda/depthwise.h"

namespace rlnas {
namespace {

template <class Conv>
std::size_t conv_workspace_bytes(CudaDevice& device, const Conv& call) {
  if (is_depthwise(call.spec)) return depthwise_workspace_bytes(call.spec, Conv::kPass);
  return device.conv->workspace_bytes({call.spec, Conv::kPass});
}

}  // namespace

std::size_t CudaBackend::workspace_bytes(const ConvForward& call) {
  return conv_workspace_bytes(*device_, call);
}

std::size_t CudaBackend::workspace_bytes(const ConvBackwardData& call) {
  return conv_workspace_bytes(*device_, call);
}

std::size_t CudaBackend::workspace_bytes(const ConvBackwardWeights& call) {
  return conv_workspace_bytes(*device_, call);
}

void CudaBackend::run(const ConvForward& call, Workspace workspace) {
  if (is_depthwise(call.spec)) return depthwise_forward(call.spec, call.x, call.w, call.y, stream_);
  device_->conv->run({call.spec, ConvPass::forward}, {.x = call.x, .w = call.w}, call.y, workspace);
}

void CudaBackend::run(const ConvBackwardData& call, Workspace workspace) {
  if (is_depthwise(call.spec))
    return depthwise_backward_data(call.spec, call.dy, call.w, {.dx = call.dx}, stream_);
  device_->conv->run({call.spec, ConvPass::backward_data}, {.w = call.w, .y = call.dy}, call.dx, workspace);
}

void CudaBackend::run(const ConvBackwardWeights& call, Workspace workspace) {
  if (is_depthwise(call.spec))
    return depthwise_backward_weights(call.spec, call.x, call.dy, call.dw, workspace, stream_);
  device_->conv->run({call.spec, ConvPass::backward_weights}, {.x = call.x, .y = call.dy}, call.dw,
                     workspace);
}

}  // namespace rlnas
