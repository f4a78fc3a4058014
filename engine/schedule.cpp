#include "engine/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace rlnas {
namespace {

double cosine(const ScheduleSpec& spec, std::int64_t epoch) {
  const double phase = double(epoch) / spec.epochs;
  return spec.minimum + (spec.initial - spec.minimum) * (1.0 + std::cos(std::numbers::pi * phase)) / 2.0;
}

double linear(const ScheduleSpec& spec, std::int64_t step) {
  const double total = double(spec.full_batches) * spec.epochs;
  return std::max(spec.minimum, spec.initial - (spec.initial - spec.minimum) * double(step) / total);
}

double darts_retrain(const ScheduleSpec& spec, std::int64_t epoch) {
  constexpr int kTail = 5, kWarmUp = 5;
  const int body = std::max(1, spec.epochs - kTail);
  const double rate = epoch < body ? spec.initial * double(body - epoch) / body
                                   : spec.initial * double(spec.epochs - epoch) / (double(body) * kTail);
  return epoch < kWarmUp ? rate * double(epoch + 1) / kWarmUp : rate;
}

}  // namespace

double learning_rate(const ScheduleSpec& spec, std::int64_t step) {
  const std::int64_t epoch = step / spec.steps_per_epoch;
  switch (spec.kind) {
    case Schedule::cosine:
      break;
    case Schedule::cosine_ahead:
      return cosine(spec, epoch + 1);
    case Schedule::linear:
      return linear(spec, step);
    case Schedule::linear_ahead:
      return linear(spec, step + 1);
    case Schedule::darts_retrain:
      return darts_retrain(spec, epoch);
  }
  return cosine(spec, epoch);
}

}  // namespace rlnas
