// Profiles what a worker of a search measures: each network is a step, each group of indicators a stage, in
// which the host's own part (eigenvalues, codes of activations) is one operation more, "on the host".
#pragma once

#include <string>
#include <vector>

#include "engine/profile.h"

namespace rlnas {

class NetworkProfiler {
 public:
  // `inner` must outlive the profiler.
  NetworkProfiler(Backend& inner, const ProfileLimits& limits);

  Backend& backend() { return *backend_; }

  // Around each network, and in it around each group of indicators, whose name must live as long as this.
  void begin_network();
  void begin_indicators();
  void end_indicators(const char* name);
  void end_network();

  const Profile& profile() const { return profile_; }

 private:
  std::vector<TimedCall> calls_;
  std::unique_ptr<Backend> backend_;
  Profile profile_;
  ProfiledStep network_;
  std::size_t first_call_ = 0;  // of the group
  std::int64_t start_ns_ = 0;   // likewise
};

}  // namespace rlnas
