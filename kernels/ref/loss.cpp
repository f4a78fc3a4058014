// Cross entropy with label smoothing: loss = -sum over k of target[k] * log(softmax(logits)[k]).
#include <algorithm>
#include <cmath>

#include "kernels/ref/ref_backend.h"

namespace rlnas {

void RefBackend::run(const CrossEntropy& call, Workspace) {
  const auto& [spec, logits, labels, dlogits, sums] = call;
  *sums = {};
  for (int n = 0; n < spec.batch; ++n) {
    const float* const row = logits + std::size_t(n) * std::size_t(spec.classes);
    RLNAS_CHECK(labels[n] >= 0 && labels[n] < spec.classes, run_failed, "cross entropy: label ", labels[n],
                " of row ", n, " is outside 0..", spec.classes - 1);
    const float* const highest = std::max_element(row, row + spec.classes);
    double total = 0.0;
    for (int k = 0; k < spec.classes; ++k) total += std::exp(double(row[k]) - double(*highest));
    for (int k = 0; k < spec.classes; ++k) {
      const double log_probability = double(row[k]) - double(*highest) - std::log(total);
      const double smoothing = spec.label_smoothing;
      const double target = (k == labels[n] ? 1.0 - smoothing : 0.0) + smoothing / spec.classes;
      sums->loss -= target * log_probability;
      if (dlogits != nullptr)
        dlogits[std::size_t(n) * std::size_t(spec.classes) + std::size_t(k)] =
            float((std::exp(log_probability) - target) / spec.batch);
    }
    if (highest - row == labels[n]) ++sums->correct;
  }
}

}  // namespace rlnas
