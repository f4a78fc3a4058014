// A profile as text for people, and its last steps as a file for a trace viewer.
#pragma once

#include <span>
#include <string>

#include "engine/profile.h"

namespace rlnas {

// Two tables, by operation (longest first) and by stage of the network (in order), each row with calls and ms
// a step, share of the step, GFLOP/s, GB/s, and the share of the limit reached with the limit that binds.
// What of the step is in no call stands below the first. Lines end in '\n'.
std::string profile_report(const Profile& profile);

// The steps in the Trace Event Format of Chrome and Perfetto (JSON): one complete event for each call, of
// category "op", with its shape, stage and rates, and one for each step and each wait for data above them.
std::string chrome_trace(std::span<const ProfiledStep> steps, const ProfileLimits& limits);

}  // namespace rlnas
