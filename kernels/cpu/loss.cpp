// Softmax cross entropy in double, a row at a time; rows are cut into at most 64 chunks fixed by the batch
// size.
#include <array>
#include <cmath>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"

namespace rlnas {
namespace {

LossSums row_loss(const CrossEntropySpec& spec, const float* logits, int label, float* dlogits) {
  const int classes = spec.classes;
  int best = 0;
  for (int k = 1; k < classes; ++k)
    if (logits[k] > logits[best]) best = k;
  const double highest = logits[best];
  double total = 0.0, logit_sum = 0.0;
  for (int k = 0; k < classes; ++k) {
    total += std::exp(double(logits[k]) - highest);
    logit_sum += double(logits[k]) - highest;
  }
  const double log_total = std::log(total), smoothing = spec.label_smoothing;
  const double loss =
      log_total - (1.0 - smoothing) * (double(logits[label]) - highest) - smoothing / classes * logit_sum;
  if (dlogits != nullptr)
    for (int k = 0; k < classes; ++k) {
      const double probability = std::exp(double(logits[k]) - highest) / total;
      const double target = smoothing / classes + (k == label ? 1.0 - smoothing : 0.0);
      dlogits[k] = float((probability - target) / spec.batch);
    }
  return {loss, best == label ? 1 : 0};
}

}  // namespace

void CpuBackend::run(const CrossEntropy& call, Workspace) {
  const auto& [spec, logits, labels, dlogits, sums] = call;
  RLNAS_CHECK(spec.batch > 0 && spec.classes > 0, run_failed,
              "cross entropy: a size in its spec is not positive");
  for (int n = 0; n < spec.batch; ++n)
    RLNAS_CHECK(labels[n] >= 0 && labels[n] < spec.classes, run_failed, "cross entropy: label ", labels[n],
                " of row ", n, " is outside 0..", spec.classes - 1);
  constexpr int kMaxChunks = 64, kMinElements = 4096;
  const std::int64_t per_chunk = std::max<std::int64_t>((spec.batch + kMaxChunks - 1) / kMaxChunks,
                                                        (kMinElements + spec.classes - 1) / spec.classes);
  std::array<LossSums, kMaxChunks> partial{};
  parallel_ranges(threads_, spec.batch, per_chunk, [&](std::int64_t begin, std::int64_t end) {
    LossSums& chunk = partial[std::size_t(begin / per_chunk)];
    for (std::int64_t n = begin; n < end; ++n) {
      const std::int64_t at = n * spec.classes;
      const LossSums row =
          row_loss(spec, logits + at, labels[n], dlogits != nullptr ? dlogits + at : nullptr);
      chunk.loss += row.loss;
      chunk.correct += row.correct;
    }
  });
  *sums = {};
  for (const LossSums& chunk : partial) {
    sums->loss += chunk.loss;
    sums->correct += chunk.correct;
  }
}

}  // namespace rlnas
