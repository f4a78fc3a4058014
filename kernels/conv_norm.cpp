// Convolution with batch norm, composed of the primitives: what a backend without a fused version does.
#include <algorithm>

#include "kernels/backend.h"
#include "kernels/round_up.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

// Workspace: the convolution's input where it is made here, in the backward pass the gradients of the
// convolution's output and of its input, then scratch of the primitives, which run one after the other.
class Scratch {
 public:
  Scratch(Backend& backend, const ConvNormSpec& spec, Direction direction, Workspace workspace = {})
      : base_(static_cast<char*>(workspace.data)) {
    const std::size_t in_bytes = spec.conv.in_count() * sizeof(float);
    x = take(spec.normalises_input ? in_bytes : 0);
    const bool backward = direction == Direction::backward;
    dy = take(backward ? spec.conv.out_count() * sizeof(float) : 0);
    dx = take(backward ? in_bytes : 0);
    std::size_t inner_bytes = backend.batch_norm_workspace_bytes(spec.norm());
    const auto add = [&](ConvPass pass) {
      inner_bytes = std::max(inner_bytes, backend.conv_workspace_bytes(spec.conv, pass));
    };
    if (backward) {
      add(ConvPass::backward_data);
      add(ConvPass::backward_weights);
    } else {
      add(ConvPass::forward);
    }
    inner = {base_ != nullptr ? base_ + bytes_ : nullptr, inner_bytes};
  }
  std::size_t bytes() const { return bytes_ + inner.bytes; }

  float *x, *dy, *dx;
  Workspace inner;

 private:
  float* take(std::size_t bytes) {
    constexpr std::size_t kAlign = 256;
    float* const part = base_ != nullptr ? reinterpret_cast<float*>(base_ + bytes_) : nullptr;
    bytes_ += round_up(bytes, kAlign);
    return part;
  }

  char* base_;
  std::size_t bytes_ = 0;
};

// What the convolution reads.
template <class Operands>
const float* input(Backend& backend, const ConvNormSpec& spec, const Operands& operands, float* made) {
  if (!spec.normalises_input) return operands.x;
  AffineSumSpec sum{.rows = int(spec.conv.in_count() / std::size_t(spec.conv.in_channels)),
                    .channels = spec.conv.in_channels,
                    .term_count = 1,
                    .activation = operands.x_activation};
  sum.terms[0] = {operands.x, operands.x_norm.scale, operands.x_norm.shift};
  backend.affine_sum(sum, nullptr, made);
  return made;
}

}  // namespace

std::size_t Backend::conv_norm_workspace_bytes(const ConvNormSpec& spec, Direction direction) {
  return Scratch(*this, spec, direction).bytes();
}

void Backend::conv_norm_forward(const ConvNormSpec& spec, const ConvNormForward& operands,
                                Workspace workspace) {
  const Scratch scratch(*this, spec, Direction::forward, workspace);
  check_workspace("convolution with batch norm", workspace, scratch.bytes());
  const float* const x = input(*this, spec, operands, scratch.x);
  conv_forward(spec.conv, x, operands.w, operands.y, scratch.inner);
  batch_norm_statistics(spec.norm(), operands.y, operands.gamma, operands.beta, operands.running_mean,
                        operands.running_var, operands.saved, scratch.inner);
}

void Backend::conv_norm_backward(const ConvNormSpec& spec, const ConvNormBackward& operands,
                                 Workspace workspace) {
  const Scratch scratch(*this, spec, Direction::backward, workspace);
  check_workspace("convolution with batch norm", workspace, scratch.bytes());
  const float* const x = input(*this, spec, operands, scratch.x);
  batch_norm_backward(spec.norm(), operands.y, operands.dz, operands.saved, scratch.dy, operands.dgamma,
                      operands.dbeta, scratch.inner);
  conv_backward_weights(spec.conv, x, scratch.dy, operands.dw, scratch.inner);
  if (operands.dx == nullptr) return;
  conv_backward_data(spec.conv, scratch.dy, operands.w, scratch.dx, scratch.inner);
  activation_backward(operands.x_activation, spec.conv.in_count(), x, scratch.dx, operands.dx,
                      operands.store);
}

}  // namespace rlnas
