// Softmax cross entropy with label smoothing, its gradient, and the number of rows whose largest logit is
// the label's.
//
// Launch: one block of 16 warps for the whole batch, a warp a row at a time. The interface gives no scratch
// memory and the sums must come out in one order; a block that sums its own warps needs neither. A batch of
// 64 x 10 or 256 x 1000 is 2.5 KiB to 1 MiB: about 5 to 80 us on one multiprocessor (three sweeps of a row
// by a warp, 16 rows at once), a thousandth of a training step; by arithmetic, not measured, and far from
// any peak.
//
// Bytes: 4 an element read up to three times (twice from cache), 4 written. Flops: about 30. A label outside
// 0..classes-1 makes loss and gradient row NaN, for a kernel cannot throw.
//
// Determinism: fixed order; bit-equal from run to run.
#pragma once

#include "kernels/cuda/reduce.cuh"
#include "kernels/spec_checks.h"

namespace rlnas {

inline constexpr int kLossThreads = 512;

struct Highest {
  float value;
  int at;
};

// The largest of the row and the first place that has it. NaN is passed over: the sum of exponentials shows
// it.
__device__ __forceinline__ Highest warp_highest(const float* row, int classes) {
  const int lane = int(threadIdx.x) % kWarp;
  Highest best{-INFINITY, classes};
  for (int k = lane; k < classes; k += kWarp) {
    const float value = __ldg(row + k);
    if (value > best.value || (best.at == classes && value == best.value)) best = {value, k};
  }
  for (int step = kWarp / 2; step > 0; step /= 2) {
    const float value = __shfl_xor_sync(kWholeWarp, best.value, step);
    const int at = __shfl_xor_sync(kWholeWarp, best.at, step);
    if (value > best.value || (value == best.value && at < best.at)) best = {value, at};
  }
  return best;
}

// logits [N,K], labels [N] -> dlogits [N,K] unless null; sums [1]
__global__ void __launch_bounds__(kLossThreads, 2)
    cross_entropy_kernel(CrossEntropySpec spec, const float* logits, const std::int32_t* labels,
                         float* dlogits, LossSums* sums) {
  constexpr int kWarps = kLossThreads / kWarp;
  RLNAS_SHARED(double, losses, kWarps);
  RLNAS_SHARED(int, hits, kWarps);
  const int lane = int(threadIdx.x) % kWarp, warp = int(threadIdx.x) / kWarp;
  const double smoothing = spec.label_smoothing, spread = smoothing / spec.classes;
  double loss = 0.0;
  int correct = 0;
  for (int n = warp; n < spec.batch; n += kWarps) {
    const float* const row = logits + std::int64_t(n) * spec.classes;
    const int label = __ldg(labels + n);
    const bool known = label >= 0 && label < spec.classes;
    const Highest highest = warp_highest(row, spec.classes);
    double total = 0.0, distance = 0.0;  // of exp(logit - highest) and of (logit - highest)
    for (int k = lane; k < spec.classes; k += kWarp) {
      const float below = __ldg(row + k) - highest.value;
      total += double(expf(below));
      distance += double(below);
    }
    total = warp_sum(total);
    distance = warp_sum(distance);
    const double log_total = log(total);
    // sum over k of target[k] * (log_total - (logit[k] - highest)); the targets add up to 1
    const double at_label = known ? double(__ldg(row + label)) - double(highest.value) : double(NAN);
    loss += log_total - (1.0 - smoothing) * at_label - spread * distance;
    correct += highest.at == label ? 1 : 0;
    if (dlogits == nullptr) continue;
    const double inverse = known ? 1.0 / total : double(NAN);
    for (int k = lane; k < spec.classes; k += kWarp) {
      const double probability = double(expf(__ldg(row + k) - highest.value)) * inverse;
      const double target = (k == label ? 1.0 - smoothing : 0.0) + spread;
      dlogits[std::int64_t(n) * spec.classes + k] = float((probability - target) / spec.batch);
    }
  }
  if (lane == 0) {
    losses[warp] = loss;
    hits[warp] = correct;
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  LossSums result;
  for (int w = 0; w < kWarps; ++w) {
    result.loss += double(losses[w]);
    result.correct += int(hits[w]);
  }
  *sums = result;
}

inline void launch_cross_entropy(const CrossEntropy& call, GpuStream stream) {
  const auto& [spec, logits, labels, dlogits, sums] = call;
  RLNAS_CHECK(spec.batch > 0 && spec.classes > 0, run_failed, "cross entropy: a size is not positive");
  const std::size_t count = std::size_t(spec.batch) * std::size_t(spec.classes);
  const LaunchShape shape{{1}, {unsigned(kLossThreads)}, Cooperation::block};
  launch("cross_entropy_kernel", cross_entropy_kernel,
         shape.costing({float_bytes(count), dlogits != nullptr ? float_bytes(count) : 0, 30 * count}), stream,
         spec, logits, labels, dlogits, sums);
}

}  // namespace rlnas
