// Convolution passes: own kernels for depthwise ones (depthwise.cuh), matrix products for 1x1 ones unless
// cuDNN is asked for, cuDNN's for all others (cudnn_conv.h).
#include "kernels/cuda/conv_staging.h"
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
std::size_t added_bytes(const ConvSpec& spec, Element element) {
  return round_up(spec.in_count() * size_of(element), kAlign);
}

// cuBLAS multiplies operands of one type.
std::size_t filter_copy_bytes(const ConvSpec& spec, Element element) {
  return element == Element::bf16 ? spec.weight_count() * sizeof(Bf16) : 0;
}

// The filter as the activations are stored, in the workspace where that takes a copy.
template <class Conv>
ConstValues filter_like(Element element, const Conv& call, const Workspace& workspace, GpuStream stream) {
  if (element == Element::f32) return call.w;
  if (call.rounded_w != nullptr) return call.rounded_w;
  check_workspace("convolution", workspace, filter_copy_bytes(call.spec, element));
  Bf16* const copy = static_cast<Bf16*>(workspace.data);
  stage_as_bf16(call.spec.weight_count(), call.w, copy, stream);
  return copy;
}

}  // namespace

bool CudaBackend::multiplies(const ConvSpec& spec) const {
  return options_.pointwise == Pointwise::cublas && is_pointwise(spec);
}

std::size_t CudaBackend::workspace_bytes(const ConvForward& call) {
  if (is_depthwise(call.spec)) return 0;
  if (multiplies(call.spec)) return filter_copy_bytes(call.spec, call.x.element());
  return device_->conv->workspace_bytes({call.spec, ConvPass::forward}, call.x.element());
}

std::size_t CudaBackend::workspace_bytes(const ConvBackwardData& call) {
  return data_gradient_workspace_bytes(call.spec, call.dy.element(), Store::overwrite);
}

std::size_t CudaBackend::workspace_bytes(const ConvBackwardWeights& call) {
  if (is_depthwise(call.spec)) return depthwise_gradients_workspace_bytes(call.spec);
  if (multiplies(call.spec)) return 0;
  return device_->conv->workspace_bytes({call.spec, ConvPass::backward_weights}, call.x.element());
}

void CudaBackend::run(const ConvForward& call, Workspace workspace) {
  const ConvSpec& spec = call.spec;
  if (is_depthwise(spec)) return depthwise_forward(spec, {.x = call.x}, call.w, call.y, stream_);
  if (multiplies(spec)) {
    check_spec(spec);
    check_storage(options_.precision, call.x.element());
    const ConstValues w = filter_like(call.x.element(), call, workspace, stream_);
    return device_->gemm->multiply(linear_forward_gemm(linear_of(spec)), w, call.x, call.y);
  }
  device_->conv->run({spec, ConvPass::forward}, {.x = call.x, .w = call.w, .rounded_w = call.rounded_w},
                     call.y, workspace);
}

void CudaBackend::run(const ConvBackwardData& call, Workspace workspace) {
  data_gradient(call, Store::overwrite, workspace);
}

void CudaBackend::run(const ConvBackwardWeights& call, Workspace workspace) {
  const ConvSpec& spec = call.spec;
  if (is_depthwise(spec))
    return depthwise_gradients(spec, {.dz = call.dy}, nullptr, {.x = call.x}, {.dw = call.dw}, workspace,
                               counters_, stream_);
  if (multiplies(spec)) {
    check_spec(spec);
    check_storage(options_.precision, call.x.element());
    return device_->gemm->multiply(linear_backward_weights_gemm(linear_of(spec)), call.x, call.dy, call.dw);
  }
  device_->conv->run({spec, ConvPass::backward_weights}, {.x = call.x, .y = call.dy}, call.dw, workspace);
}

std::size_t CudaBackend::data_gradient_workspace_bytes(const ConvSpec& spec, Element element, Store store) {
  if (is_depthwise(spec)) return depthwise_gradients_workspace_bytes(spec);
  if (multiplies(spec)) return filter_copy_bytes(spec, element);
  return device_->conv->workspace_bytes({spec, ConvPass::backward_data}, element) +
         (store == Store::accumulate ? added_bytes(spec, element) : 0);
}

void CudaBackend::data_gradient(const ConvBackwardData& call, Store store, Workspace workspace) {
  const ConvSpec& spec = call.spec;
  if (is_depthwise(spec))
    return depthwise_gradients(spec, {.dz = call.dy}, call.w, {}, {.dx = call.dx, .store = store}, workspace,
                               counters_, stream_);
  if (multiplies(spec)) {
    check_spec(spec);
    check_storage(options_.precision, call.dy.element());
    const ConstValues w = filter_like(call.dy.element(), call, workspace, stream_);
    return device_->gemm->multiply(linear_backward_data_gemm(linear_of(spec)), w, call.dy, call.dx, store);
  }
  const ConvProblem problem{spec, ConvPass::backward_data};
  const ConvInputs inputs{.w = call.w, .y = call.dy, .rounded_w = call.rounded_w};
  if (store == Store::overwrite) return device_->conv->run(problem, inputs, call.dx, workspace);
  const Element element = call.dy.element();
  check_workspace("convolution", workspace, data_gradient_workspace_bytes(spec, element, store));
  const Values dx(workspace.data, element);
  const std::size_t added = added_bytes(spec, element);
  const Workspace inner{static_cast<char*>(workspace.data) + added, workspace.bytes - added};
  device_->conv->run(problem, inputs, dx, inner);
  run(Add{.count = spec.in_count(), .x = dx, .y = call.dx, .store = Store::accumulate});
}

}  // namespace rlnas
