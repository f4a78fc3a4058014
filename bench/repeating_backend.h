// A profiling backend that runs one chosen call of a step many times over: what a call takes by itself, on
// the operands and at the place in memory where the step has them. Results of the step are then wrong; its
// times are not.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/profile/profiling_backend.h"
#include "kernels/uniform_backend.h"

namespace rlnas::bench {

// Calls with the same text cost the same: "conv_norm_forward [64,32,32,16] 3x3 s1 -> 16, 8.4 MB".
std::string call_name(const RecordedCall& call);

class RepeatingBackend final : public UniformBackend<RepeatingBackend> {
 public:
  // `together`: how many repetitions are queued before the device is waited for; their time is the mean.
  RepeatingBackend(Backend& inner, int together)
      : inner_(inner), together_(together), profiler_(make_profiling_backend(inner, &calls_)) {}

  // The next call of this name is repeated, once. Empties calls().
  void select(std::string name);
  // All calls since then but the repetitions.
  const std::vector<TimedCall>& calls() const { return calls_; }
  // The times of the selected call; the first is that within the step. Empty: no such call was made.
  const std::vector<std::int64_t>& times_ns() const { return times_ns_; }

  std::string description() const override { return profiler_->description(); }
  Element activation_type() const override { return profiler_->activation_type(); }
  bool gains_by_normalising_inputs(const ConvSpec& spec) const override {
    return profiler_->gains_by_normalising_inputs(spec);
  }
  bool gains_by_masking_once() const override { return profiler_->gains_by_masking_once(); }
  std::size_t note_bytes(const ConvNormBackward& call) const override { return profiler_->note_bytes(call); }
  void* allocate(std::size_t bytes) override { return profiler_->allocate(bytes); }
  void release(void* memory) noexcept override { profiler_->release(memory); }
  void upload(void* device, const void* host, std::size_t bytes) override {
    repeat([=](Backend& backend) { backend.upload(device, host, bytes); });
  }
  void download(void* host, const void* device, std::size_t bytes) override {
    repeat([=](Backend& backend) { backend.download(host, device, bytes); });
  }
  void synchronize() override { profiler_->synchronize(); }

  template <class Primitive>
  void take(const Primitive& call, Workspace workspace) {
    repeat([&](Backend& backend) { backend.run(call, workspace); });
  }
  template <class Primitive>
  std::size_t scratch_bytes(const Primitive& call) {
    return profiler_->workspace_bytes(call);
  }

 private:
  // Makes the call on the profiler; over and over if it turns out to be the selected one.
  template <class Call>
  void repeat(const Call& call) {
    call(*profiler_);
    if (!selected_.empty() && call_name(calls_.back().call) == selected_) repeat_selected(call);
  }
  void repeat_selected(const std::function<void(Backend&)>& call);

  Backend& inner_;
  int together_;
  std::vector<TimedCall> calls_;
  std::unique_ptr<Backend> profiler_;
  std::string selected_;
  std::vector<std::int64_t> times_ns_;
};

}  // namespace rlnas::bench
