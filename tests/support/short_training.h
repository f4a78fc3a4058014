// A few training steps of a network on batches of noise, as rlnas_train makes them but for its data: what two
// devices, or two ways of one device, are held against each other by.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "search/executor.h"
#include "search/trained_network.h"

namespace rlnas::test {

struct ShortTraining {
  TrainedNetwork& network;
  TrainConfig config = {};  // image size, batch size, what the optimiser does; the learning rate stays
  int steps = 1;
  std::function<Executor::Forward(int step)> along = {};  // without it the paths of the sampler
  std::function<void()> after_step = {};
};

struct TrainedSteps {
  std::vector<double> losses;
  std::vector<float> weights, statistics;

  friend bool operator==(const TrainedSteps&, const TrainedSteps&) = default;
};

// One that goes step by step. The arena is as large as the dry run of the largest path says.
class SteppedTraining {
 public:
  struct State {
    std::vector<float> weights, momentum, statistics;
    std::vector<std::uint8_t> ever_sampled;
  };

  SteppedTraining(Backend& backend, const ShortTraining& training);

  // Returns the mean loss. Step `index` is of the same batch and path whatever came before.
  double step(int index);
  State state();
  void set_state(const State& state);

 private:
  ShortTraining training_;
  StepSpec spec_;
  std::optional<Executor> executor_;
};

// All steps of it.
TrainedSteps train_steps(Backend& backend, const ShortTraining& training);

}  // namespace rlnas::test
