#include "tests/simulator/stream.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "tests/simulator/device_memory.h"

namespace rlnas::simulator {

Scheduler& scheduler() {
  static auto* const schedulers = new Scheduler[kMostDevices];
  return schedulers[current_device()];
}

void require_stream(cudaStream_t stream, const std::string& what) {
  if (stream == nullptr || stream == cudaStreamLegacy || stream == cudaStreamPerThread)
    misuse(what + " on the default stream");
  if (!scheduler().alive(stream)) misuse(what + " on a stream that was destroyed or never made");
}

cudaError_t enqueue(cudaStream_t stream, const std::string& what, std::function<void()> run,
                    const std::string& fixed, WorkNote note) {
  require_stream(stream, what);
  if (const cudaError_t error = capture_status(stream); error != cudaSuccess) return error;
  if (stream->capture != nullptr) {
    std::vector<GraphNode>& nodes = stream->capture->nodes;
    ++state().usage.captured;
    nodes.push_back({what, std::move(run), fixed, stream->captured_after, std::move(note)});
    stream->captured_after = {int(nodes.size()) - 1};
    return cudaSuccess;
  }
  ++state().usage.queued;
  scheduler().push(stream, {.what = what, .run = std::move(run), .note = std::move(note)});
  return cudaSuccess;
}

cudaError_t refuse_in_capture(Capture& capture, cudaError_t error) {
  capture.invalidated = true;
  return report(error);
}

cudaError_t capture_status(cudaStream_t stream) {
  const bool spoilt = stream->capture != nullptr && stream->capture->invalidated;
  return report(spoilt ? cudaErrorStreamCaptureInvalidated : cudaSuccess);
}

cudaStream_t Scheduler::create() {
  streams_.push_back(std::make_unique<CUstream_st>());
  streams_.back()->number = ++created_;
  ++state().usage.streams;
  return streams_.back().get();
}

void Scheduler::destroy(cudaStream_t stream) {
  stream->destroyed = true;
  --state().usage.streams;
  forget_finished();
}

void Scheduler::forget_finished() {
  std::erase_if(streams_, [](const auto& stream) { return stream->destroyed && stream->queue.empty(); });
}

bool Scheduler::alive(cudaStream_t stream) const {
  return std::any_of(streams_.begin(), streams_.end(),
                     [&](const auto& other) { return other.get() == stream && !other->destroyed; });
}

cudaError_t Scheduler::refuse_in_captures(Forbidden forbidden) {
  cudaError_t error = cudaSuccess;
  for (const auto& stream : streams_)
    if (stream->capture != nullptr &&
        (forbidden == Forbidden::in_any_capture || stream->capture->mode != cudaStreamCaptureModeRelaxed))
      error = refuse_in_capture(*stream->capture);
  return error;
}

void Scheduler::push(cudaStream_t stream, Operation operation) {
  stream->queue.push_back(std::move(operation));
  if (state().options.policy != Policy::eager) return;
  run_until({[=] { return stream->queue.empty(); }, [=] { return stream; }}, IfStuck::stop);
}

void Scheduler::wait(cudaStream_t stream) {
  run_until({[=] { return stream->queue.empty(); }, [=] { return stream; }});
}

void Scheduler::wait(const EventState& event) {
  const std::uint64_t generation = event.issued;
  run_until({[&, generation] { return event.done >= generation; },
             [&, generation] { return holder_of(event, generation); }});
}

void Scheduler::wait_for_all() {
  const auto busy = [&] {
    return std::find_if(streams_.begin(), streams_.end(), [](const auto& s) { return !s->queue.empty(); });
  };
  run_until({[&] { return busy() == streams_.end(); }, [&] { return busy()->get(); }});
  forget_finished();
}

void Scheduler::advance() {
  constexpr std::int64_t kOperationsAQuestion = 32;  // giving access to memory for each takes long
  const std::int64_t operations = state().usage.operations;
  const auto idle = [&] {
    return std::all_of(streams_.begin(), streams_.end(), [](const auto& s) { return s->queue.empty(); });
  };
  run_until({[&] { return state().usage.operations >= operations + kOperationsAQuestion || idle(); },
             [&] {
               return std::find_if(streams_.begin(), streams_.end(),
                                   [](const auto& s) { return !s->queue.empty(); })
                   ->get();
             }},
            IfStuck::stop);
}

void Scheduler::run_until(const Target& target, IfStuck if_stuck) {
  bool opened = false;
  while (!target.reached()) {
    const cudaStream_t next = choose(target.needed());
    if (next == nullptr) {
      if (if_stuck == IfStuck::stop) break;
      misuse("a wait, by other than asking, for work that another device holds up");
    }
    if (!std::exchange(opened, true)) device_memory().open();
    step(next);
  }
  if (opened) device_memory().close();
}

namespace {

bool computes(WorkKind kind) {
  return kind == WorkKind::kernel || kind == WorkKind::cudnn || kind == WorkKind::cublas;
}

bool runnable(const CUstream_st& stream) {
  if (stream.queue.empty()) return false;
  const Operation& next = stream.queue.front();
  if (next.waits_for != nullptr) return next.waits_for->done >= next.generation;
  // A device that failed waits for nobody.
  return !next.may_run || next.may_run() || errors().sticky != cudaSuccess;
}

}  // namespace

cudaStream_t Scheduler::holder_of(const EventState& event, std::uint64_t generation) const {
  for (const auto& stream : streams_)
    for (const Operation& operation : stream->queue)
      if (operation.records.get() == &event && operation.generation == generation) return stream.get();
  misuse("a wait for an event that no stream will record");
}

cudaStream_t Scheduler::what_unblocks(cudaStream_t stream) const {
  while (!runnable(*stream)) {
    const Operation& next = stream->queue.front();
    if (next.waits_for == nullptr) return nullptr;  // another device has to go on
    stream = holder_of(*next.waits_for, next.generation);
  }
  return stream;
}

cudaStream_t Scheduler::choose(cudaStream_t needed) {
  const cudaStream_t shortest = what_unblocks(needed);
  std::vector<cudaStream_t> ready;
  for (const auto& stream : streams_)
    if (runnable(*stream)) ready.push_back(stream.get());
  if (ready.empty()) return nullptr;
  switch (state().options.policy) {
    case Policy::eager:
    case Policy::needed_only:
      return shortest;
    case Policy::needed_last:
      std::erase(ready, shortest);
      return ready.empty() ? shortest : ready[state().random() % ready.size()];
    case Policy::oldest_stream_first:
      return ready.front();
    case Policy::newest_stream_first:
      return ready.back();
    case Policy::round_robin:
      return ready[turn_++ % ready.size()];
    case Policy::random:
      break;
  }
  return ready[state().random() % ready.size()];
}

void Scheduler::step(cudaStream_t stream) {
  const Operation operation = std::move(stream->queue.front());
  stream->queue.pop_front();
  if (operation.run) run_on_device(operation.what, operation.run, operation.note);
  if (operation.records == nullptr) return;
  operation.records->done = std::max(operation.records->done, operation.generation);
}

void run_on_device(const std::string& what, const std::function<void()>& run, const WorkNote& note) {
  ++state().usage.operations;
  if (errors().sticky != cudaSuccess) return;  // a device that failed does nothing more
  if (fails(Call::execute)) {
    errors().sticky = cudaErrorLaunchFailure;
    return;
  }
  if (note != nullptr) {
    write_down(*note);
    if (computes(note->kind)) return;
  }
  device_memory().set_running(what.c_str());
  try {
    run();
  } catch (const std::exception& fault) {  // of the emulator: what a GPU would not even notice
    misuse(fault.what());
  }
  device_memory().set_running(nullptr);
}

void replay(const std::vector<GraphNode>& nodes) {
  std::vector<bool> done(nodes.size(), false);
  for (std::size_t count = 0; count < nodes.size(); ++count) {
    std::vector<std::size_t> ready;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const auto finished = [&](int before) { return done[std::size_t(before)]; };
      if (!done[i] && std::all_of(nodes[i].after.begin(), nodes[i].after.end(), finished)) ready.push_back(i);
    }
    const Policy policy = state().options.policy;
    std::size_t next = ready[state().random() % ready.size()];
    if (policy == Policy::oldest_stream_first) next = ready.front();
    if (policy == Policy::newest_stream_first) next = ready.back();
    done[next] = true;
    run_on_device(nodes[next].what, nodes[next].run, nodes[next].note);
  }
}

}  // namespace rlnas::simulator
