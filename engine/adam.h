// Adam on the host, for the few hundred numbers that a differentiable search moves: one thread, so the same
// bits however many the rest runs on. Source: Kingma and Ba, ICLR 2015, as torch.optim.Adam: weight decay is
// added to the gradient.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rlnas {

struct AdamSpec {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double weight_decay = 0.0;
  double epsilon = 1e-8;
};

struct AdamState {
  explicit AdamState(std::size_t count = 0) : first(count, 0.0f), second(count, 0.0f) {}

  std::vector<float> first, second;  // running means of the gradient and of its square
  std::int64_t steps = 0;
};

// Shapes: all [count] of the state.
void adam_step(const AdamSpec& spec, std::span<const double> gradient, AdamState& state,
               std::span<float> values);

}  // namespace rlnas
