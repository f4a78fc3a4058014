#include "kernels/profile/profiling_backend.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "kernels/forwarding_backend.h"

namespace rlnas {
namespace {

class ProfilingBackend final : public ForwardingBackend<ProfilingBackend> {
 public:
  ProfilingBackend(Backend& inner, std::vector<TimedCall>* calls) : ForwardingBackend(inner), calls_(calls) {}

  void begin_stage(const char* name, Direction direction) override {
    stage_ = name;
    direction_ = direction;
    inner_.begin_stage(name, direction);
  }

  void upload(void* device, const void* host, std::size_t bytes) override {
    time(cost_of_copy("upload", bytes), [&] { inner_.upload(device, host, bytes); });
  }
  void download(void* host, const void* device, std::size_t bytes) override {
    time(cost_of_copy("download", bytes), [&] { inner_.download(host, device, bytes); });
  }

  template <class Primitive>
  void take(const Primitive& call, Workspace workspace) {
    time(cost_of(call), [&] { inner_.run(call, workspace); });
  }

 private:
  // Runs `work` on the inner backend and notes the time until its result is there.
  template <class Work>
  void time(RecordedCall call, const Work& work) {
    TimedCall timed{.call = std::move(call), .stage = stage_, .direction = direction_};
    timed.start_ns = now_ns();
    work();
    inner_.synchronize();
    timed.duration_ns = now_ns() - timed.start_ns;
    calls_->push_back(std::move(timed));
  }

  template <class Primitive>
  RecordedCall cost_of(const Primitive& call) {
    return call.cost();
  }
  // What a pass over the weights touches is in tables that lie on the device.
  RecordedCall cost_of(const TakeGradientNorm& call) { return call.cost(elements_by_state(call)); }
  RecordedCall cost_of(const SgdStep& call) { return call.cost(elements_by_state(call)); }
  RecordedCall cost_of(const TakeAngleSums& call);

  template <class Primitive>
  BufferElements elements_by_state(const Primitive& call);
  void read_blocks(const SegmentBlock* blocks, int block_count);

  std::vector<TimedCall>* calls_;
  const char* stage_ = "";
  Direction direction_ = Direction::forward;
  // Kept from step to step: a large malloc in the middle of a step makes glibc merge all that the step freed.
  std::vector<SegmentBlock> blocks_;
  std::vector<SegmentState> states_;
};

void ProfilingBackend::read_blocks(const SegmentBlock* blocks, int block_count) {
  blocks_.resize(std::size_t(block_count));
  inner_.download(blocks_.data(), blocks, blocks_.size() * sizeof(SegmentBlock));
}

RecordedCall ProfilingBackend::cost_of(const TakeAngleSums& call) {
  read_blocks(call.blocks, call.block_count);
  BufferElements elements;
  for (const SegmentBlock& block : blocks_) elements.sampled += std::uint64_t(block.count);
  return call.cost(elements);
}

template <class Primitive>
BufferElements ProfilingBackend::elements_by_state(const Primitive& call) {
  read_blocks(call.blocks, call.block_count);
  std::int32_t segments = 0;
  for (const SegmentBlock& block : blocks_) segments = std::max(segments, block.segment + 1);
  states_.resize(std::size_t(segments));
  inner_.download(states_.data(), call.states, states_.size() * sizeof(SegmentState));
  BufferElements elements;
  for (const SegmentBlock& block : blocks_) {
    const SegmentState state = states_[std::size_t(block.segment)];
    if (has_gradient(state))
      elements.sampled += std::uint64_t(block.count);
    else if (state != SegmentState::untouched)
      elements.coasting += std::uint64_t(block.count);
  }
  return elements;
}

}  // namespace

std::int64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

std::unique_ptr<Backend> make_profiling_backend(Backend& inner, std::vector<TimedCall>* calls) {
  return std::make_unique<ProfilingBackend>(inner, calls);
}

}  // namespace rlnas
