// Learning-rate schedules of the published recipes, as functions of the step alone.
// Source: method.md 3.3, 4.2, 5, 6, 10, 13, 15.7.
#pragma once

#include <cstdint>

#include "rlnas/choices.hpp"

namespace rlnas {

struct ScheduleSpec {
  Schedule kind = Schedule::cosine;
  double initial = 0.0;
  double minimum = 0.0;  // linear reaches it at step full_batches * epochs, and stays there
  int epochs = 1;
  int steps_per_epoch = 1;
  int full_batches = 1;  // an epoch: without a last one of fewer images
};

double learning_rate(const ScheduleSpec& spec, std::int64_t step);

}  // namespace rlnas
