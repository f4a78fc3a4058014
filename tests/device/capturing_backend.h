// A backend that passes each call on in a stage of its own which is captured, so that the first use of the
// call's kernels may be inside a capture. Kernels that are known go before it, for a stage of one call would
// not be worth a graph.
#pragma once

#include <deque>
#include <string>

#include "kernels/forwarding_backend.h"

namespace rlnas::test {

class CapturingBackend final : public ForwardingBackend<CapturingBackend> {
 public:
  // `inner` captures stages.
  explicit CapturingBackend(Backend& inner)
      : ForwardingBackend(inner), scratch_(static_cast<float*>(inner.allocate(sizeof(float)))) {}
  ~CapturingBackend() override { inner_.release(scratch_); }

  void begin_stage(const char*, Direction) override {}  // its own alone
  int calls() const { return int(stages_.size()); }

  template <class Primitive>
  void take(const Primitive& call, Workspace workspace) {
    stages_.push_back("call " + std::to_string(stages_.size()));
    const char* const stage = stages_.back().c_str();
    const auto fill = [&](int turn) {
      inner_.run(Fill{.count = 1, .value = float(3 * stages_.size()) + float(turn), .y = scratch_});
    };
    inner_.begin_stage(stage, Direction::forward);  // the first time a stage is not captured
    for (int turn = 0; turn < 3; ++turn) fill(turn);
    inner_.begin_stage("between", Direction::forward);
    inner_.begin_stage(stage, Direction::forward);
    for (int turn = 0; turn < 2; ++turn) fill(turn);
    inner_.run(call, workspace);
    inner_.begin_stage("between", Direction::forward);
  }

 private:
  float* scratch_;
  std::deque<std::string> stages_;  // names stay where they are
};

}  // namespace rlnas::test
