// SGD with momentum over the flat weight buffer in one launch, and gradient clipping by element or by norm.
//
// Launch: one block of 256 threads a SegmentBlock (8192 elements: 8 vectors a thread), so that a segment's
// state is one uniform branch and an untouched block ends at once.
//
// Bytes: 20 an element sampled (read gradient, momentum, weights, write two), 16 coasting, 0 untouched;
// flops: 6 to 8.
//
// Expected: 85-90 % of memory bandwidth on A100 and H100, by arithmetic, not measured. The norm takes 4
// bytes an element more: partial sums of squares a block in double, then one block over the partials. Double
// costs nothing here: 1 conversion and 1 FMA an element are 0.8 T/s at 3.35 TB/s, where an H100 converts 3.6
// T/s (16 a clock and multiprocessor) and an A100 likewise 2.4 T/s of 0.5.
//
// Determinism: fixed trees, no atomics; bit-equal from run to run.
#pragma once

#include "kernels/backend.h"
#include "kernels/cuda/reduce.cuh"
#include "kernels/spec_checks.h"

namespace rlnas {

inline constexpr int kSgdThreads = 256;

// One element. momentum and weight are updated.
struct SgdRule {
  float momentum, weight_decay;
  float g_part,
      m_part;  // w -= g_part*g' + m_part*m: plain momentum steps along m, Nesterov's along g' + mu*m

  __device__ __forceinline__ void update(float loss_gradient, float& m, float& w) const {
    const float g = fmaf(weight_decay, w, loss_gradient);
    m = fmaf(momentum, m, g);
    w -= fmaf(g_part, g, m_part * m);
  }
};

inline SgdRule rule_of(const SgdSpec& spec) {
  return {spec.momentum, spec.weight_decay, spec.nesterov ? spec.learning_rate : 0.0f,
          spec.nesterov ? spec.learning_rate * spec.momentum : spec.learning_rate};
}

// Keeps NaN, so that a diverging run is seen.
__device__ __forceinline__ float clip(float gradient, float scale, float limit) {
  gradient *= scale;
  if (gradient > limit) return limit;
  return gradient < -limit ? -limit : gradient;
}

// How many of the block's first `count` elements go by vectors: none when a table has it start between them.
template <int Width>
__device__ __forceinline__ int vector_part(const SegmentBlock& block, int count) {
  return block.offset % Width == 0 ? count / Width * Width : 0;
}

// gradient, momentum, weights: the flat buffers
template <int Width>
__global__ void __launch_bounds__(kSgdThreads)
    sgd_step_kernel(SgdRule rule, GradientClip clipping, const SegmentBlock* blocks,
                    const SegmentState* states, const float* gradient, float* momentum, float* weights) {
  const SegmentBlock block = blocks[blockIdx.x];
  const SegmentState state = states[block.segment];
  if (state == SegmentState::untouched) return;
  if (!decays(state)) rule.weight_decay = 0.0f;
  const bool sampled = has_gradient(state);
  const float scale = clipping.norm != nullptr ? float(clipping.norm->scale) : 1.0f;
  const float* const g = gradient + block.offset;
  float* const m = momentum + block.offset;
  float* const w = weights + block.offset;
  const int vectors = vector_part<Width>(block, block.count);
  for (int i = int(threadIdx.x) * Width; i < vectors; i += kSgdThreads * Width) {
    Pack<Width> slope{};
    if (sampled) slope = load_pack<Width>(g + i);
    Pack<Width> pace = reload_pack<Width>(m + i), weight = reload_pack<Width>(w + i);
    for (int j = 0; j < Width; ++j)
      rule.update(clip(slope.value[j], scale, clipping.limit), pace.value[j], weight.value[j]);
    store_pack<Width>(m + i, pace);
    store_pack<Width>(w + i, weight);
  }
  for (int i = vectors + int(threadIdx.x); i < block.count; i += kSgdThreads)
    rule.update(clip(sampled ? __ldg(g + i) : 0.0f, scale, clipping.limit), m[i], w[i]);
}

// Sum of squares of each block of a sampled segment, 0 for others. partials [block_count]
template <int Width>
__global__ void __launch_bounds__(kSgdThreads)
    gradient_square_kernel(const SegmentBlock* blocks, const SegmentState* states, const float* gradient,
                           double* partials) {
  RLNAS_SHARED(double, scratch, kSgdThreads / kWarp);
  const SegmentBlock block = blocks[blockIdx.x];
  const bool sampled = has_gradient(states[block.segment]);
  const float* const g = gradient + block.offset;
  double sum = 0.0;
  const auto add = [&](float value) { sum = fma(double(value), double(value), sum); };
  const int count = sampled ? block.count : 0, vectors = vector_part<Width>(block, count);
  for (int i = int(threadIdx.x) * Width; i < vectors; i += kSgdThreads * Width) {
    const Pack<Width> values = load_pack<Width>(g + i);
    for (int j = 0; j < Width; ++j) add(values.value[j]);
  }
  for (int i = vectors + int(threadIdx.x); i < count; i += kSgdThreads) add(__ldg(g + i));
  sum = block_sum<kSgdThreads, double>(sum, scratch);
  if (threadIdx.x == 0) partials[blockIdx.x] = sum;
}

// One block. norm [1]
__global__ void __launch_bounds__(kSgdThreads)
    gradient_norm_kernel(int block_count, const double* partials, float max_norm, GradientNorm* norm) {
  RLNAS_SHARED(double, scratch, kSgdThreads / kWarp);
  double sum = 0.0;
  for (int b = int(threadIdx.x); b < block_count; b += kSgdThreads) sum += partials[b];
  sum = block_sum<kSgdThreads, double>(sum, scratch);
  if (threadIdx.x == 0) *norm = scaled_to(max_norm, sqrt(sum));
}

// ---- on the host ----
constexpr std::size_t gradient_norm_workspace_bytes(int block_count) {
  return std::size_t(block_count) * sizeof(double);
}

inline void launch_gradient_norm(const TakeGradientNorm& call, Workspace workspace, GpuStream stream) {
  const auto& [blocks, block_count, states, gradient, max_norm, norm] = call;
  check_workspace("gradient norm", workspace, gradient_norm_workspace_bytes(block_count));
  double* const partials = static_cast<double*>(workspace.data);
  const LaunchShape shape{{unsigned(block_count)}, {unsigned(kSgdThreads)}, Cooperation::block};
  if (block_count > 0)
    with_width(flat_width({gradient}), [&](auto constant) {
      launch("gradient_square_kernel", gradient_square_kernel<decltype(constant)::value>,
             shape.costing({0, double_bytes(std::size_t(block_count))})
                 .costing_by_segment({.blocks = blocks,
                                      .states = states,
                                      .count = block_count,
                                      .sampled = {sizeof(float), 0, 2}}),
             stream, blocks, states, gradient, partials);
    });
  launch("gradient_norm_kernel", gradient_norm_kernel,
         LaunchShape{{1}, {unsigned(kSgdThreads)}, Cooperation::block}.costing(
             {double_bytes(std::size_t(block_count)), sizeof(GradientNorm), std::uint64_t(block_count)}),
         stream, block_count, partials, max_norm, norm);
}

inline void launch_sgd_step(const SgdStep& call, GpuStream stream) {
  const auto& [spec, blocks, block_count, states, gradient, momentum, weights] = call;
  if (block_count == 0) return;
  with_width(flat_width({gradient, momentum, weights}), [&](auto constant) {
    launch("sgd_step_kernel", sgd_step_kernel<decltype(constant)::value>,
           LaunchShape{{unsigned(block_count)}, {unsigned(kSgdThreads)}, Cooperation::independent}
               .costing_by_segment({.blocks = blocks,
                                    .states = states,
                                    .count = block_count,
                                    .sampled = {3 * sizeof(float), 2 * sizeof(float), 7},
                                    .coasting = {2 * sizeof(float), 2 * sizeof(float), 6}}),
           stream, rule_of(spec), spec.clip, blocks, states, gradient, momentum, weights);
  });
}

}  // namespace rlnas
