// SGD with momentum as one pass over the flat buffer, by blocks of one segment each.
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"

namespace rlnas {
namespace {

enum class Gradient { given, zero };

template <Gradient kGradient>
void update(const SgdSpec& spec, int count, const float* __restrict gradient, float* __restrict momentum,
            float* __restrict weights) {
  // w -= lr*(g_part*g' + m_part*m): plain momentum steps along m, Nesterov's along g' + mu*m
  const float g_part = spec.nesterov ? spec.learning_rate : 0.0f;
  const float m_part = spec.nesterov ? spec.learning_rate * spec.momentum : spec.learning_rate;
  for (int i = 0; i < count; ++i) {
    const float loss_gradient = kGradient == Gradient::given ? gradient[i] : 0.0f;
    const float g = loss_gradient + spec.weight_decay * weights[i];
    const float m = spec.momentum * momentum[i] + g;
    momentum[i] = m;
    weights[i] -= g_part * g + m_part * m;
  }
}

}  // namespace

void CpuBackend::sgd_step(const SgdSpec& spec, const SegmentBlock* blocks, int block_count,
                          const SegmentState* states, const float* gradient, float* momentum,
                          float* weights) {
  constexpr std::int64_t kBlocksPerTask = 4;
  parallel_ranges(threads_, block_count, kBlocksPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      const SegmentBlock& block = blocks[b];
      float* const m = momentum + block.offset;
      float* const w = weights + block.offset;
      switch (states[block.segment]) {
        case SegmentState::untouched:
          break;
        case SegmentState::sampled:
          update<Gradient::given>(spec, block.count, gradient + block.offset, m, w);
          break;
        case SegmentState::coasting:
          update<Gradient::zero>(spec, block.count, nullptr, m, w);
          break;
      }
    }
  });
}

}  // namespace rlnas
