// A profiling backend that runs one chosen call of a step many times over: what a call takes by itself, on
// the operands and at the place in memory where the step has them. Results of the step are then wrong; its
// times are not.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/forwarding_backend.h"
#include "kernels/profile/profiling_backend.h"

namespace rlnas::bench {

// Calls with the same text cost the same: "conv_norm_forward [64,32,32,16] 3x3 s1 -> 16, 8.4 MB".
std::string call_name(const RecordedCall& call);

struct ProfiledCalls {
  explicit ProfiledCalls(Backend& inner) : profiler(make_profiling_backend(inner, &profiled)) {}

  std::vector<TimedCall> profiled;
  std::unique_ptr<Backend> profiler;
};

class RepeatingBackend final : ProfiledCalls, public ForwardingBackend<RepeatingBackend> {
 public:
  // `together`: how many repetitions are queued before the device is waited for; their time is the mean.
  RepeatingBackend(Backend& inner, int together)
      : ProfiledCalls(inner), ForwardingBackend(*profiler), measured_(inner), together_(together) {}

  // The next call of this name is repeated, once. Empties calls().
  void select(std::string name);
  // All calls since then but the repetitions.
  const std::vector<TimedCall>& calls() const { return profiled; }
  // The times of the selected call; the first is that within the step. Empty: no such call was made.
  const std::vector<std::int64_t>& times_ns() const { return times_ns_; }

  void upload(void* device, const void* host, std::size_t bytes) override {
    repeat([=](Backend& backend) { backend.upload(device, host, bytes); });
  }
  void download(void* host, const void* device, std::size_t bytes) override {
    repeat([=](Backend& backend) { backend.download(host, device, bytes); });
  }

  template <class Primitive>
  void take(const Primitive& call, Workspace workspace) {
    repeat([&](Backend& backend) { backend.run(call, workspace); });
  }

 private:
  // Makes the call on the profiler; over and over if it turns out to be the selected one.
  template <class Call>
  void repeat(const Call& call) {
    call(inner_);
    if (!selected_.empty() && call_name(profiled.back().call) == selected_) repeat_selected(call);
  }
  void repeat_selected(const std::function<void(Backend&)>& call);

  Backend& measured_;
  int together_;
  std::string selected_;
  std::vector<std::int64_t> times_ns_;
};

}  // namespace rlnas::bench
