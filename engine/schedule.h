// Learning-rate schedules of the published recipes, as functions of the step alone.
// Source: method.md 3.3, 4.2, 5, 6, 10, 13, 15.7.
#pragma once

#include <cstdint>
#include <string>

namespace rlnas {

enum class Schedule {
  cosine,         // of epoch / epochs, constant inside an epoch: NAS-Bench-201
  cosine_ahead,   // of (epoch + 1) / epochs: the DARTS code steps its scheduler before the epoch
  linear,         // falls with every step, to `minimum` at step full_batches * epochs, where it stays
  linear_ahead,   // the same a step early: the MobileNet code steps its scheduler before the optimiser
  darts_retrain,  // falls with every epoch, the last five at a fifth of the pace, the first five scaled up
};

// "cosine" | "cosine-ahead" | "linear" | "linear-ahead" | "darts-retrain". Errors: usage, naming --schedule.
Schedule parse_schedule(const std::string& text);

struct ScheduleSpec {
  Schedule kind = Schedule::cosine;
  double initial = 0.0;
  double minimum = 0.0;
  int epochs = 1;
  int steps_per_epoch = 1;
  int full_batches = 1;  // an epoch: without a last one of fewer images
};

double learning_rate(const ScheduleSpec& spec, std::int64_t step);

}  // namespace rlnas
