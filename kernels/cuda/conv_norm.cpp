// Convolution with batch norm. Depthwise ones take the statistics of what they make, apply the norm of their
// input and the gradient of that of their output as they read, and sum the gradient of the former as they
// write it. Of all others the gradient of the input is written or added where it belongs. Where cuDNN
// normalises, as composed in kernels/conv_norm.cpp.
#include <algorithm>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/depthwise.h"
#include "kernels/cuda/norm_staging.h"
#include "kernels/round_up.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

constexpr std::size_t kAlign = 256;

// Of all but depthwise ones the gradient of the convolution's output comes first in the workspace, then where
// an activation comes between that of its input.
std::size_t dy_bytes(const ConvNormBackward& call) {
  return round_up(call.spec.conv.out_count() * size_of(call.dz.element()), kAlign);
}
std::size_t dx_bytes(const ConvNormBackward& call) {
  return round_up(call.spec.conv.in_count() * size_of(call.dz.element()), kAlign);
}

Workspace behind(const Workspace& workspace, std::size_t bytes) {
  return {static_cast<char*>(workspace.data) + bytes, workspace.bytes - bytes};
}

template <class ConvNorm>
DepthwiseInput input_of(const ConvNorm& call) {
  return {call.x, call.spec.normalises_input ? call.x_norm : ConstBatchNormSaved{}, call.x_activation};
}

}  // namespace

bool CudaBackend::gains_by_normalising_inputs(const ConvSpec& spec) const {
  return norm_pool_ == nullptr && is_depthwise(spec);
}

bool CudaBackend::fuses(const ConvNormSpec& spec) const {
  return norm_pool_ == nullptr && (is_depthwise(spec.conv) || !spec.normalises_input);
}

std::size_t CudaBackend::note_bytes(const ConvNormBackward& call) const {
  return fuses(call.spec) && call.spec.normalises_input ? norm_note_bytes(call.spec.conv.in_channels) : 0;
}

std::size_t CudaBackend::workspace_bytes(const ConvNormForward& call) {
  if (!fuses(call.spec) || !is_depthwise(call.spec.conv)) return Backend::workspace_bytes(call);
  return depthwise_statistics_workspace_bytes(call.spec.conv);
}

void CudaBackend::run(const ConvNormForward& call, Workspace workspace) {
  const ConvNormSpec& spec = call.spec;
  if (!fuses(spec) || !is_depthwise(spec.conv)) return Backend::run(call, workspace);
  const BatchNormStatistics statistics{.spec = spec.norm(),
                                       .gamma = call.gamma,
                                       .beta = call.beta,
                                       .running_mean = call.running_mean,
                                       .running_var = call.running_var,
                                       .saved = call.saved};
  depthwise_forward(spec.conv, input_of(call), call.w, statistics, call.y, workspace, counters_, stream_);
}

std::size_t CudaBackend::workspace_bytes(const ConvNormBackward& call) {
  const ConvNormSpec& spec = call.spec;
  if (!fuses(spec)) return Backend::workspace_bytes(call);
  const Element element = call.dz.element();
  const ConstValues values(nullptr, element);
  const std::size_t norm_bytes = workspace_bytes(BatchNormBackward{.spec = spec.norm(), .x = values});
  if (is_depthwise(spec.conv))
    return round_up(norm_bytes, kAlign) + depthwise_gradients_workspace_bytes(spec.conv);
  const std::size_t to_data =
      call.x_activation != Activation::none
          ? dx_bytes(call) + data_gradient_workspace_bytes(spec.conv, element, Store::overwrite)
          : data_gradient_workspace_bytes(spec.conv, element, call.store);
  return dy_bytes(call) +
         std::max(
             {norm_bytes, workspace_bytes(ConvBackwardWeights{.spec = spec.conv, .x = values}), to_data});
}

void CudaBackend::run(const ConvNormBackward& call, Workspace workspace) {
  const ConvNormSpec& spec = call.spec;
  if (!fuses(spec)) return Backend::run(call, workspace);
  check_workspace("convolution with batch norm", workspace, workspace_bytes(call));
  BatchNormBackward norm{.spec = spec.norm(),
                         .x = call.y,
                         .dy = call.dz,
                         .saved = call.saved,
                         .dgamma = call.dgamma,
                         .dbeta = call.dbeta,
                         .activation = call.z_activation};
  if (is_depthwise(spec.conv)) {
    DepthwiseOutputGradient output{.dz = call.dz,
                                   .y = call.y,
                                   .norm = call.saved,
                                   .activation = call.z_activation,
                                   .note = call.dz_note};
    if (call.dz_note != nullptr) {
      output.dgamma = call.dgamma;
      output.dbeta = call.dbeta;
    } else {
      output.note = note_of_norm_gradient(norm, workspace, counters_, stream_);
    }
    const std::size_t norm_bytes = round_up(workspace_bytes(norm), kAlign);
    return depthwise_gradients(spec.conv, output, call.w, input_of(call),
                               {call.dw, call.dx, call.store, call.dx_note}, behind(workspace, norm_bytes),
                               counters_, stream_);
  }
  const Values dy(workspace.data, call.dz.element());
  const Workspace inner = behind(workspace, dy_bytes(call));
  norm.dx = dy;
  if (call.dz_note != nullptr)
    norm_gradient_from_note(norm, call.dz_note, stream_);
  else
    run(norm, inner);
  if (call.dw != nullptr)
    run(ConvBackwardWeights{.spec = spec.conv, .x = call.x, .dy = dy, .dw = call.dw}, inner);
  if (call.dx == nullptr) return;
  if (call.x_activation == Activation::none)
    return data_gradient(
        {.spec = spec.conv, .dy = dy, .w = call.w, .dx = call.dx, .rounded_w = call.rounded_w}, call.store,
        inner);
  const Values dx(inner.data, call.dz.element());
  data_gradient({.spec = spec.conv, .dy = dy, .w = call.w, .dx = dx, .rounded_w = call.rounded_w},
                Store::overwrite, behind(inner, dx_bytes(call)));
  run(ActivationBackward{.activation = call.x_activation,
                         .count = spec.conv.in_count(),
                         .activated = call.x,
                         .dy = dx,
                         .dx = call.dx,
                         .store = call.store});
}

}  // namespace rlnas
