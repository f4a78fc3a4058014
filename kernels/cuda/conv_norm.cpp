// Convolution with batch norm, backwards: where own kernels do the convolution, the gradient of its input
// passes the activation and is stored or added where it belongs in the same kernel. Other convolutions as
// composed in kernels/conv_norm.cpp.
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/depthwise.h"
#include "kernels/round_up.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

bool is_own(const ConvNormSpec& spec) {
  return is_depthwise(spec.conv) && !spec.normalises_input;
}

// The gradient of the convolution's output comes first in the workspace.
std::size_t dy_bytes(const ConvNormSpec& spec) {
  constexpr std::size_t kAlign = 256;
  return round_up(spec.conv.out_count() * sizeof(float), kAlign);
}

}  // namespace

std::size_t CudaBackend::workspace_bytes(const ConvNormBackward& call) {
  const ConvNormSpec& spec = call.spec;
  if (!is_own(spec)) return Backend::workspace_bytes(call);
  return dy_bytes(spec) + std::max(workspace_bytes(BatchNormBackward{.spec = spec.norm()}),
                                   workspace_bytes(ConvBackwardWeights{.spec = spec.conv}));
}

void CudaBackend::run(const ConvNormBackward& call, Workspace workspace) {
  const ConvNormSpec& spec = call.spec;
  if (!is_own(spec)) return Backend::run(call, workspace);
  check_workspace("convolution with batch norm", workspace, workspace_bytes(call));
  float* const dy = static_cast<float*>(workspace.data);
  const Workspace inner{static_cast<char*>(workspace.data) + dy_bytes(spec),
                        workspace.bytes - dy_bytes(spec)};
  run(BatchNormBackward{.spec = spec.norm(),
                        .x = call.y,
                        .dy = call.dz,
                        .saved = call.saved,
                        .dx = dy,
                        .dgamma = call.dgamma,
                        .dbeta = call.dbeta},
      inner);
  if (call.dw != nullptr)
    run(ConvBackwardWeights{.spec = spec.conv, .x = call.x, .dy = dy, .dw = call.dw}, inner);
  if (call.dx == nullptr) return;
  depthwise_backward_data(
      spec.conv, dy, call.w,
      {.dx = call.dx, .activation = call.x_activation, .activated = call.x, .store = call.store}, stream_);
}

}  // namespace rlnas
