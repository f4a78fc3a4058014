// SGD with momentum, as torch.optim.SGD without dampening, and gradient clipping as torch.nn.utils has it.
#include <cmath>

#include "kernels/ref/ref_backend.h"

namespace rlnas {

void RefBackend::run(const TakeGradientNorm& call, Workspace) {
  const auto& [blocks, block_count, states, gradient, max_norm, norm] = call;
  double square = 0.0;
  for (int b = 0; b < block_count; ++b) {
    if (!has_gradient(states[blocks[b].segment])) continue;
    for (std::int64_t i = blocks[b].offset; i < blocks[b].offset + blocks[b].count; ++i)
      square += double(gradient[i]) * double(gradient[i]);
  }
  *norm = scaled_to(max_norm, std::sqrt(square));
}

void RefBackend::run(const RoundWeights& call, Workspace) {
  for (std::size_t i = 0; i < call.count; ++i) call.rounded[i] = bf16_of(call.weights[i]);
}

void RefBackend::run(const SgdStep& call, Workspace) {
  const auto& [spec, blocks, block_count, states, gradient, momentum, weights] = call;
  const double scale = spec.clip.norm != nullptr ? spec.clip.norm->scale : 1.0;
  const double limit = spec.clip.limit;
  for (int b = 0; b < block_count; ++b) {
    const SegmentState state = states[blocks[b].segment];
    if (state == SegmentState::untouched) continue;
    const double decay = decays(state) ? double(spec.weight_decay) : 0.0;
    for (std::int64_t i = blocks[b].offset; i < blocks[b].offset + blocks[b].count; ++i) {
      const double raw = has_gradient(state) ? double(gradient[i]) * scale : 0.0;
      const double loss_gradient = raw > limit ? limit : raw < -limit ? -limit : raw;  // keeps NaN
      const double g = loss_gradient + decay * double(weights[i]);
      const double m = double(spec.momentum) * double(momentum[i]) + g;
      const double step = spec.nesterov ? g + double(spec.momentum) * m : m;
      momentum[i] = float(m);
      weights[i] = float(double(weights[i]) - double(spec.learning_rate) * step);
    }
  }
}

}  // namespace rlnas
