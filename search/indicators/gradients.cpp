#include "search/indicators/gradients.h"

#include <cmath>

namespace rlnas {

Executor::HostView gradients_of(Probe::Network& network, const Program& program, const Probe::Batch& batch) {
  Executor& executor = network.executor;
  const Program::Result result =
      executor.forward(program, batch.images, {.statistics = Statistics::batch, .gradients = true});
  executor.forget_gradients();
  executor.backward(result, executor.loss_gradient(result.logits, batch.labels));
  return executor.gradients();
}

std::span<const GradientMoments> gradient_moments(Probe& probe, Probe::Network& network, int batches) {
  const Program program = network.program({});
  std::vector<GradientMoments>& moments = probe.moments_scratch(network.weights.size());
  for (int b = 0; b < batches; ++b) {
    const Executor::HostView view = gradients_of(network, program, probe.data(b));
    const float* const g = view.values().data();
    const double share = 1.0 / (b + 1);
    for (std::size_t i = 0; i < moments.size(); ++i) {
      GradientMoments m = b == 0 ? GradientMoments{} : moments[i];
      const double off = g[i] - m.mean;
      m.size += (std::abs(double(g[i])) - m.size) * share;
      m.mean += off * share;
      m.variance += (off * (g[i] - m.mean) - m.variance) * share;
      moments[i] = m;
    }
  }
  return moments;
}

}  // namespace rlnas
