#include "engine/adam.h"

#include <cmath>

namespace rlnas {

void adam_step(const AdamSpec& spec, std::span<const double> gradient, AdamState& state,
               std::span<float> values) {
  ++state.steps;
  const double bias1 = 1.0 - std::pow(spec.beta1, double(state.steps));
  const double bias2 = 1.0 - std::pow(spec.beta2, double(state.steps));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double g = gradient[i] + spec.weight_decay * double(values[i]);
    const double first = spec.beta1 * double(state.first[i]) + (1.0 - spec.beta1) * g;
    const double second = spec.beta2 * double(state.second[i]) + (1.0 - spec.beta2) * g * g;
    state.first[i] = float(first);
    state.second[i] = float(second);
    const double step = spec.learning_rate / bias1 * first / (std::sqrt(second / bias2) + spec.epsilon);
    values[i] = float(double(values[i]) - step);
  }
}

}  // namespace rlnas
