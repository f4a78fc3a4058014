// How far a run is and how fast it goes: what TrainProgress tells. Steps are counted from 0, over all epochs.
#pragma once

#include <cstdint>

#include "rlnas/spec.hpp"
#include "rlnas/train.hpp"
#include "search/run_pace.h"
#include "search/state_metadata.h"

namespace rlnas {

struct RunLength {
  int steps_per_epoch = 1;
  int epochs = 1;
  int batch_size = 1;
  std::int64_t steps = 0;  // that the run does: of all epochs, or as many as --steps says

  std::int64_t steps_of_all_epochs() const { return std::int64_t{steps_per_epoch} * epochs; }
  int epoch_of(std::int64_t step) const { return int(step / steps_per_epoch); }
  int place_in_epoch(std::int64_t step) const { return int(step % steps_per_epoch); }
};
RunLength run_length(const TrainConfig& config, int steps_per_epoch);

struct RunMeter {
  RunLength length;
  RunProgress progress;
  RunPace pace;
  double learning_rate = 0.0;  // of the last step

  std::int64_t step() const { return progress.step; }  // steps done
  bool done() const { return progress.step >= length.steps; }
  void count_step(const LossSums& sums, int images, double step_learning_rate);
  void begin_epoch();
  TrainProgress now() const;
};

}  // namespace rlnas
