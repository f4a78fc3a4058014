#include "engine/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr std::array<std::pair<const char*, Schedule>, 5> kNames{
    {{"cosine", Schedule::cosine},
     {"cosine-ahead", Schedule::cosine_ahead},
     {"linear", Schedule::linear},
     {"linear-ahead", Schedule::linear_ahead},
     {"darts-retrain", Schedule::darts_retrain}}};

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

Schedule parse_schedule(const std::string& text) {
  std::string known;
  for (const auto& [name, schedule] : kNames) {
    if (text == name) return schedule;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  fail(ErrorCode::usage, "--schedule: '", text, "' is not one of ", known);
}

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
