// Convolution passes: see conv_engine.h.
#include "kernels/cpu/conv_engine.h"
#include "kernels/cpu/cpu_backend.h"

namespace rlnas {

std::size_t CpuBackend::conv_workspace_bytes(const ConvSpec& spec, ConvPass pass) {
  return conv_->workspace_bytes(spec, pass);
}

void CpuBackend::conv_forward(const ConvSpec& spec, const float* x, const float* w, float* y,
                              Workspace workspace) {
  conv_->forward(spec, x, w, y, workspace);
}

void CpuBackend::conv_backward_data(const ConvSpec& spec, const float* dy, const float* w, float* dx,
                                    Workspace workspace) {
  conv_->backward_data(spec, dy, w, dx, workspace);
}

void CpuBackend::conv_backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                                       Workspace workspace) {
  conv_->backward_weights(spec, x, dy, dw, workspace);
}

}  // namespace rlnas
