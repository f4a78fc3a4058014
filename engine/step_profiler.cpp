#include "engine/step_profiler.h"

#include <utility>

#include "engine/profile_report.h"

namespace rlnas {
StepProfiler::StepProfiler(Backend& inner, const ProfileLimits& limits)
    : backend_(make_profiling_backend(inner, &calls_)) {
  profile_.limits = limits;
}

void StepProfiler::begin_step() {
  calls_.clear();
  current_.start_ns = now_ns();
}

void StepProfiler::data_ready() {
  current_.data_wait_ns = now_ns() - current_.start_ns;
}

void StepProfiler::end_step(std::int64_t step) {
  current_.duration_ns = now_ns() - current_.start_ns;
  current_.step = step;
  current_.calls = std::exchange(calls_, {});
  calls_.reserve(current_.calls.size() + 64);
  if (warm_up_left_ > 0) {
    --warm_up_left_;
    return;
  }
  profile_.add(current_);
  last_.push_back(std::move(current_));
  if (last_.size() > kTracedSteps) last_.pop_front();
}

std::string StepProfiler::trace() const {
  const std::vector<ProfiledStep> steps(last_.begin(), last_.end());
  return chrome_trace(steps, profile_.limits);
}

}  // namespace rlnas
