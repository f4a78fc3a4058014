// Convolution with batch norm, composed of other primitives: what a backend without a fused version does.
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
  Scratch(Backend& backend, const ConvNormSpec& spec, Element element, Direction direction,
          Workspace workspace = {})
      : base_(static_cast<char*>(workspace.data)), element_(element) {
    const std::size_t in_count = spec.conv.in_count();
    x = take(spec.normalises_input ? in_count : 0);
    const bool backward = direction == Direction::backward;
    dy = take(backward ? spec.conv.out_count() : 0);
    dx = take(backward ? in_count : 0);
    const ConstValues values(nullptr, element);
    std::size_t inner_bytes = backend.workspace_bytes(BatchNormStatistics{.spec = spec.norm(), .x = values});
    const auto add = [&](const auto& call) {
      inner_bytes = std::max(inner_bytes, backend.workspace_bytes(call));
    };
    if (backward) {
      add(BatchNormBackward{.spec = spec.norm(), .x = values});
      add(ConvBackwardData{.spec = spec.conv, .dy = values});
      add(ConvBackwardWeights{.spec = spec.conv, .x = values});
    } else {
      add(ConvForward{.spec = spec.conv, .x = values});
    }
    inner = {base_ != nullptr ? base_ + bytes_ : nullptr, inner_bytes};
  }
  std::size_t bytes() const { return bytes_ + inner.bytes; }

  Values x, dy, dx;
  Workspace inner;

 private:
  Values take(std::size_t count) {
    constexpr std::size_t kAlign = 256;
    const Values part(base_ != nullptr ? base_ + bytes_ : nullptr, element_);
    bytes_ += round_up(count * size_of(element_), kAlign);
    return part;
  }

  char* base_;
  Element element_;
  std::size_t bytes_ = 0;
};

// What the convolution reads.
template <class ConvNorm>
ConstValues input(Backend& backend, const ConvNorm& call, Values made) {
  const ConvNormSpec& spec = call.spec;
  if (!spec.normalises_input) return call.x;
  AffineSumSpec sum{.rows = int(spec.conv.in_count() / std::size_t(spec.conv.in_channels)),
                    .channels = spec.conv.in_channels,
                    .term_count = 1,
                    .activation = call.x_activation};
  sum.terms[0] = {call.x, call.x_norm.scale, call.x_norm.shift};
  backend.run(AffineSum{.spec = sum, .activated = made});
  return made;
}

}  // namespace

std::size_t Backend::workspace_bytes(const ConvNormForward& call) {
  return Scratch(*this, call.spec, call.x.element(), Direction::forward).bytes();
}

std::size_t Backend::workspace_bytes(const ConvNormBackward& call) {
  return Scratch(*this, call.spec, call.dz.element(), Direction::backward).bytes();
}

void Backend::run(const ConvNormForward& call, Workspace workspace) {
  const ConvNormSpec& spec = call.spec;
  const Scratch scratch(*this, spec, call.x.element(), Direction::forward, workspace);
  check_workspace("convolution with batch norm", workspace, scratch.bytes());
  const ConstValues x = input(*this, call, scratch.x);
  run(ConvForward{.spec = spec.conv, .x = x, .w = call.w, .y = call.y, .rounded_w = call.rounded_w},
      scratch.inner);
  run(BatchNormStatistics{.spec = spec.norm(),
                          .x = call.y,
                          .gamma = call.gamma,
                          .beta = call.beta,
                          .running_mean = call.running_mean,
                          .running_var = call.running_var,
                          .saved = call.saved},
      scratch.inner);
}

void Backend::run(const ConvNormBackward& call, Workspace workspace) {
  const ConvNormSpec& spec = call.spec;
  const Scratch scratch(*this, spec, call.dz.element(), Direction::backward, workspace);
  check_workspace("convolution with batch norm", workspace, scratch.bytes());
  const ConstValues x = input(*this, call, scratch.x);
  run(BatchNormBackward{.spec = spec.norm(),
                        .x = call.y,
                        .dy = call.dz,
                        .saved = call.saved,
                        .dx = scratch.dy,
                        .dgamma = call.dgamma,
                        .dbeta = call.dbeta,
                        .activation = call.z_activation},
      scratch.inner);
  if (call.dw != nullptr)
    run(ConvBackwardWeights{.spec = spec.conv, .x = x, .dy = scratch.dy, .dw = call.dw}, scratch.inner);
  if (call.dx == nullptr) return;
  // Where nothing is added, the gradient is made where it belongs.
  const Values dx = call.store == Store::overwrite ? call.dx : scratch.dx;
  run(
      ConvBackwardData{
          .spec = spec.conv, .dy = scratch.dy, .w = call.w, .dx = dx, .rounded_w = call.rounded_w},
      scratch.inner);
  if (dx == call.dx && call.x_activation == Activation::none) return;
  run(ActivationBackward{.activation = call.x_activation,
                         .count = spec.conv.in_count(),
                         .activated = x,
                         .dy = dx,
                         .dx = call.dx,
                         .store = call.store});
}

}  // namespace rlnas
