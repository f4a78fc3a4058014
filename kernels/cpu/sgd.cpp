// SGD with momentum as one pass over the flat buffer, by blocks of one segment each, and the gradient's norm.
#include <cmath>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vec.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

enum class Gradient { given, zero };

struct Update {  // of one block
  float decay;
  float scale;  // of the gradient
  float limit;
};

template <Gradient kGradient>
void update(const SgdSpec& spec, const Update& rule, int count, const float* __restrict gradient,
            float* __restrict momentum, float* __restrict weights) {
  // w -= lr*(g_part*g' + m_part*m): plain momentum steps along m, Nesterov's along g' + mu*m
  const float g_part = spec.nesterov ? spec.learning_rate : 0.0f;
  const float m_part = spec.nesterov ? spec.learning_rate * spec.momentum : spec.learning_rate;
  for (int i = 0; i < count; ++i) {
    float loss_gradient = 0.0f;
    if constexpr (kGradient == Gradient::given) {
      const float raw = gradient[i] * rule.scale;
      loss_gradient = raw > rule.limit ? rule.limit : raw < -rule.limit ? -rule.limit : raw;  // keeps NaN
    }
    const float g = loss_gradient + rule.decay * weights[i];
    const float m = spec.momentum * momentum[i] + g;
    momentum[i] = m;
    weights[i] -= g_part * g + m_part * m;
  }
}

constexpr std::int64_t kBlocksPerTask = 4;

// Element i goes to partial sum i % 16; the order is the same on any number of threads.
double square_sum(const float* values, int count) {
  constexpr int kTurn = 64 / int(sizeof(float));
  constexpr int kVectors = kTurn / kWideDoubles;
  WideDouble partials[kVectors] = {};
  int i = 0;
  for (; i + kTurn <= count; i += kTurn)
    for (int v = 0; v < kVectors; ++v) {
      const WideDouble g = load_doubles(values + i + v * kWideDoubles);
      partials[v] += g * g;
    }
  double sum = lane_sum(partials);
  for (; i < count; ++i) sum += double(values[i]) * double(values[i]);
  return sum;
}

}  // namespace

std::size_t CpuBackend::workspace_bytes(const TakeGradientNorm& call) {
  return std::size_t(call.block_count) * sizeof(double);
}

void CpuBackend::run(const TakeGradientNorm& call, Workspace workspace) {
  const auto& [blocks, block_count, states, gradient, max_norm, norm] = call;
  check_workspace("gradient norm", workspace, workspace_bytes(call));
  double* const partials = static_cast<double*>(workspace.data);
  parallel_ranges(threads_, block_count, kBlocksPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b)
      partials[b] = has_gradient(states[blocks[b].segment])
                        ? square_sum(gradient + blocks[b].offset, blocks[b].count)
                        : 0.0;
  });
  double square = 0.0;
  for (int b = 0; b < block_count; ++b) square += partials[b];
  *norm = scaled_to(max_norm, std::sqrt(square));
}

void CpuBackend::run(const SgdStep& call, Workspace) {
  const auto& [spec, blocks, block_count, states, gradient, momentum, weights] = call;
  const float scale = spec.clip.norm != nullptr ? float(spec.clip.norm->scale) : 1.0f;
  parallel_ranges(threads_, block_count, kBlocksPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      const SegmentBlock& block = blocks[b];
      const SegmentState state = states[block.segment];
      if (state == SegmentState::untouched) continue;
      float* const m = momentum + block.offset;
      float* const w = weights + block.offset;
      const Update rule{decays(state) ? spec.weight_decay : 0.0f, scale, spec.clip.limit};
      if (has_gradient(state))
        update<Gradient::given>(spec, rule, block.count, gradient + block.offset, m, w);
      else
        update<Gradient::zero>(spec, rule, block.count, nullptr, m, w);
    }
  });
}

// For calls from outside: nothing here multiplies bf16.
void CpuBackend::run(const RoundWeights& call, Workspace) {
  for (std::size_t i = 0; i < call.count; ++i) call.rounded[i] = bf16_of(call.weights[i]);
}

}  // namespace rlnas
