// SGD with momentum, as torch.optim.SGD without dampening.
#include "kernels/ref/ref_backend.h"

namespace rlnas {

void RefBackend::sgd_step(const SgdSpec& spec, const SegmentBlock* blocks, int block_count,
                          const SegmentState* states, const float* gradient, float* momentum,
                          float* weights) {
  for (int b = 0; b < block_count; ++b) {
    const SegmentState state = states[blocks[b].segment];
    if (state == SegmentState::untouched) continue;
    for (std::int64_t i = blocks[b].offset; i < blocks[b].offset + blocks[b].count; ++i) {
      const double loss_gradient = state == SegmentState::sampled ? double(gradient[i]) : 0.0;
      const double g = loss_gradient + double(spec.weight_decay) * double(weights[i]);
      const double m = double(spec.momentum) * double(momentum[i]) + g;
      const double step = spec.nesterov ? g + double(spec.momentum) * m : m;
      momentum[i] = float(m);
      weights[i] = float(double(weights[i]) - double(spec.learning_rate) * step);
    }
  }
}

}  // namespace rlnas
