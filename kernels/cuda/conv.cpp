// Convolution passes: own kernels for depthwise ones (depthwise.cuh), matrix products for 1x1 ones unless
// cuDNN is asked for, cuDNN's for all others (cudnn_conv.h).
#include "kernels/cuda/cublas_gemm.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/cuda_device.h"
#include "kernels/cuda/cudnn_conv.h"
#include "kernels/cuda/depthwise.h"
#include "kernels/round_up.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

constexpr std::size_t kAlign = 256;

// cuDNN's gradient where it is added to what is there comes first in the workspace.
std::size_t added_bytes(const ConvSpec& spec) {
  return round_up(spec.in_count() * sizeof(float), kAlign);
}

}  // namespace

bool CudaBackend::multiplies(const ConvSpec& spec) const {
  return options_.pointwise == Pointwise::cublas && is_pointwise(spec);
}

std::size_t CudaBackend::workspace_bytes(const ConvForward& call) {
  if (is_depthwise(call.spec) || multiplies(call.spec)) return 0;
  return device_->conv->workspace_bytes({call.spec, ConvPass::forward});
}

std::size_t CudaBackend::workspace_bytes(const ConvBackwardData& call) {
  return data_gradient_workspace_bytes(call.spec, Store::overwrite);
}

std::size_t CudaBackend::workspace_bytes(const ConvBackwardWeights& call) {
  if (is_depthwise(call.spec)) return depthwise_weights_workspace_bytes(call.spec);
  if (multiplies(call.spec)) return 0;
  return device_->conv->workspace_bytes({call.spec, ConvPass::backward_weights});
}

void CudaBackend::run(const ConvForward& call, Workspace workspace) {
  const ConvSpec& spec = call.spec;
  if (is_depthwise(spec)) return depthwise_forward(spec, {.x = call.x}, call.w, call.y, stream_);
  if (multiplies(spec)) {
    check_spec(spec);
    return device_->gemm->multiply(linear_forward_gemm(linear_of(spec)), call.w, call.x, call.y);
  }
  device_->conv->run({spec, ConvPass::forward}, {.x = call.x, .w = call.w}, call.y, workspace);
}

void CudaBackend::run(const ConvBackwardData& call, Workspace workspace) {
  data_gradient(call, Store::overwrite, workspace);
}

void CudaBackend::run(const ConvBackwardWeights& call, Workspace workspace) {
  const ConvSpec& spec = call.spec;
  if (is_depthwise(spec))
    return depthwise_backward_weights(spec, {.x = call.x}, call.dy, call.dw, workspace, stream_);
  if (multiplies(spec)) {
    check_spec(spec);
    return device_->gemm->multiply(linear_backward_weights_gemm(linear_of(spec)), call.x, call.dy, call.dw);
  }
  device_->conv->run({spec, ConvPass::backward_weights}, {.x = call.x, .y = call.dy}, call.dw, workspace);
}

std::size_t CudaBackend::data_gradient_workspace_bytes(const ConvSpec& spec, Store store) {
  if (is_depthwise(spec) || multiplies(spec)) return 0;
  return device_->conv->workspace_bytes({spec, ConvPass::backward_data}) +
         (store == Store::accumulate ? added_bytes(spec) : 0);
}

void CudaBackend::data_gradient(const ConvBackwardData& call, Store store, Workspace workspace) {
  const ConvSpec& spec = call.spec;
  if (is_depthwise(spec))
    return depthwise_backward_data(spec, call.dy, call.w, {.dx = call.dx, .store = store}, stream_);
  if (multiplies(spec)) {
    check_spec(spec);
    return device_->gemm->multiply(linear_backward_data_gemm(linear_of(spec)), call.w, call.dy, call.dx,
                                   store);
  }
  const ConvProblem problem{spec, ConvPass::backward_data};
  const ConvInputs inputs{.w = call.w, .y = call.dy};
  if (store == Store::overwrite) return device_->conv->run(problem, inputs, call.dx, workspace);
  check_workspace("convolution", workspace, data_gradient_workspace_bytes(spec, store));
  float* const dx = static_cast<float*>(workspace.data);
  const Workspace inner{static_cast<char*>(workspace.data) + added_bytes(spec),
                        workspace.bytes - added_bytes(spec)};
  device_->conv->run(problem, inputs, dx, inner);
  run(Add{.count = spec.in_count(), .x = dx, .y = call.dx, .store = Store::accumulate});
}

}  // namespace rlnas
