// Convolution passes: see conv_engine.h.
#include "kernels/cpu/conv_engine.h"
#include "kernels/cpu/cpu_backend.h"

namespace rlnas {

std::size_t CpuBackend::workspace_bytes(const ConvForward& call) {
  return conv_->workspace_bytes(call.spec, ConvPass::forward);
}

std::size_t CpuBackend::workspace_bytes(const ConvBackwardData& call) {
  return conv_->workspace_bytes(call.spec, ConvPass::backward_data);
}

std::size_t CpuBackend::workspace_bytes(const ConvBackwardWeights& call) {
  return conv_->workspace_bytes(call.spec, ConvPass::backward_weights);
}

void CpuBackend::run(const ConvForward& call, Workspace workspace) {
  conv_->forward(call.spec, call.x, call.w, call.y, workspace);
}

void CpuBackend::run(const ConvBackwardData& call, Workspace workspace) {
  conv_->backward_data(call.spec, call.dy, call.w, call.dx, workspace);
}

void CpuBackend::run(const ConvBackwardWeights& call, Workspace workspace) {
  conv_->backward_weights(call.spec, call.x, call.dy, call.dw, workspace);
}

}  // namespace rlnas
