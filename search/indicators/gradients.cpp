#include "search/indicators/gradients.h"

namespace rlnas {

Executor::HostView gradients_of(Probe::Network& network, const Program& program, const Probe::Batch& batch) {
  Executor& executor = network.executor;
  const Program::Result result =
      executor.forward(program, batch.images, {.statistics = Statistics::batch, .gradients = true});
  executor.forget_gradients();
  executor.backward(result, executor.loss_gradient(result.logits, batch.labels));
  return executor.gradients();
}

}  // namespace rlnas
