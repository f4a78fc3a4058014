// Convolution with batch norm, composed of the primitives: what a backend without a fused version does.
#include <algorithm>

#include "kernels/backend.h"
#include "kernels/round_up.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

constexpr std::size_t kAlign = 256;

// Workspace of the backward pass: the gradients of the convolution's output and of its input, then scratch
// of the primitives, which run one after the other.
struct BackwardScratch {
  BackwardScratch(Backend& backend, const ConvNormSpec& spec)
      : dy_bytes(round_up(spec.conv.out_count() * sizeof(float), kAlign)),
        dx_bytes(round_up(spec.conv.in_count() * sizeof(float), kAlign)),
        inner_bytes(std::max({backend.batch_norm_workspace_bytes(spec.norm()),
                              backend.conv_workspace_bytes(spec.conv, ConvPass::backward_data),
                              backend.conv_workspace_bytes(spec.conv, ConvPass::backward_weights)})) {}

  std::size_t bytes() const { return dy_bytes + dx_bytes + inner_bytes; }

  std::size_t dy_bytes, dx_bytes, inner_bytes;
};

}  // namespace

std::size_t Backend::conv_norm_workspace_bytes(const ConvNormSpec& spec, Direction direction) {
  if (direction == Direction::backward) return BackwardScratch(*this, spec).bytes();
  return std::max(conv_workspace_bytes(spec.conv, ConvPass::forward),
                  batch_norm_workspace_bytes(spec.norm()));
}

void Backend::conv_norm_forward(const ConvNormSpec& spec, const ConvNormForward& operands,
                                Workspace workspace) {
  conv_forward(spec.conv, operands.x, operands.w, operands.y, workspace);
  batch_norm_statistics(spec.norm(), operands.y, operands.gamma, operands.beta, operands.running_mean,
                        operands.running_var, operands.saved, workspace);
}

void Backend::conv_norm_backward(const ConvNormSpec& spec, const ConvNormBackward& operands,
                                 Workspace workspace) {
  const BackwardScratch scratch(*this, spec);
  check_workspace("convolution with batch norm", workspace, scratch.bytes());
  char* const base = static_cast<char*>(workspace.data);
  float* const dy = reinterpret_cast<float*>(base);
  float* const dx = reinterpret_cast<float*>(base + scratch.dy_bytes);
  const Workspace inner{base + scratch.dy_bytes + scratch.dx_bytes, scratch.inner_bytes};

  batch_norm_backward(spec.norm(), operands.y, operands.dz, operands.saved, dy, operands.dgamma,
                      operands.dbeta, inner);
  conv_backward_weights(spec.conv, operands.x, dy, operands.dw, inner);
  if (operands.dx == nullptr) return;
  conv_backward_data(spec.conv, dy, operands.w, dx, inner);
  activation_backward(operands.x_activation, spec.conv.in_count(), operands.x, dx, operands.dx,
                      operands.store);
}

}  // namespace rlnas
