// Profiles a training loop: the backend to run it on, and marks to set in each step. Steps of the warm-up,
// and what runs between two steps (angles, checkpoints), are left out.
#pragma once

#include <deque>

#include "engine/profile.h"

namespace rlnas {

class StepProfiler {
 public:
  static constexpr int kWarmUpSteps = 5;
  static constexpr std::size_t kTracedSteps = 4;  // the last ones: a few hundred events each

  // `inner` must outlive the profiler.
  StepProfiler(Backend& inner, const ProfileLimits& limits);

  Backend& backend() { return *backend_; }

  // In this order, in every step: before its batch is asked for, when the batch is there, after its end.
  void begin_step();
  void data_ready();
  void end_step(std::int64_t step);  // step: its number in the run, from 1

  const Profile& profile() const { return profile_; }
  std::string trace() const;  // chrome_trace() of the last steps

 private:
  std::vector<TimedCall> calls_;
  std::unique_ptr<Backend> backend_;
  Profile profile_;
  int warm_up_left_ = kWarmUpSteps;
  ProfiledStep current_;
  std::deque<ProfiledStep> last_;
};

}  // namespace rlnas
