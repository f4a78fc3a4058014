// cudart: streams and events.
#include <algorithm>

#include "tests/simulator/stream.h"

using namespace rlnas::simulator;

namespace {

std::set<cudaEvent_t>& events() {
  static auto* const events = new std::set<cudaEvent_t>;
  return *events;
}

void require_event(cudaEvent_t event, const char* what) {
  if (!events().contains(event)) misuse(std::string(what) + " of an event that was destroyed or never made");
}

// The work of a captured stream is not queued anywhere, so nothing can wait for it.
bool refused_by_capture(Capture* capture, cudaError_t& error) {
  error = capture != nullptr ? refuse_in_capture(*capture)
                             : scheduler().refuse_in_captures(Scheduler::Forbidden::unless_relaxed);
  return error != cudaSuccess;
}

// A wait for an event of a captured stream is an edge of the graph, and takes the waiting stream into it.
cudaError_t wait_in_capture(cudaStream_t stream, const EventState& event) {
  if (const cudaError_t error = capture_status(stream); error != cudaSuccess) return error;
  if (event.capture == nullptr || (stream->capture != nullptr && stream->capture != event.capture))
    return refuse_in_capture(*stream->capture, cudaErrorStreamCaptureIsolation);
  if (event.capture->invalidated) return report(cudaErrorStreamCaptureInvalidated);
  stream->capture = event.capture;
  event.capture->streams.insert(stream);
  for (const int node : event.captured_after)
    if (std::find(stream->captured_after.begin(), stream->captured_after.end(), node) ==
        stream->captured_after.end())
      stream->captured_after.push_back(node);
  return cudaSuccess;
}

}  // namespace

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::stream, cudaErrorMemoryAllocation)) return error;
  if (flags != cudaStreamNonBlocking)
    misuse("a stream that waits for the default stream: use non-blocking ones");
  *stream = scheduler().create();
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const Entry entry;
  require_stream(stream, "cudaStreamDestroy");
  scheduler().destroy(stream);
  return report(device_status());
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::wait, cudaErrorUnknown)) return error;
  require_stream(stream, "cudaStreamSynchronize");
  if (refused_by_capture(stream->capture.get(), error)) return error;
  ++state().usage.stream_synchronizations;
  scheduler().wait(stream);
  return report(device_status());
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::event, cudaErrorInvalidResourceHandle)) return error;
  require_stream(stream, "cudaStreamWaitEvent");
  require_event(event, "cudaStreamWaitEvent");
  if (++state().usage.waits == state().options.drop_wait_at) return cudaSuccess;
  if (stream->capture != nullptr || event->state->capture != nullptr)
    return wait_in_capture(stream, *event->state);
  scheduler().push(stream, {.what = "wait for an event",
                            .run = nullptr,
                            .waits_for = event->state,
                            .generation = event->state->issued});
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::event, cudaErrorMemoryAllocation)) return error;
  *event = new CUevent_st{std::make_shared<EventState>()};
  events().insert(*event);
  ++state().usage.events;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Entry entry;
  require_event(event, "cudaEventDestroy");
  events().erase(event);
  delete event;
  --state().usage.events;
  return report(device_status());
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::event, cudaErrorInvalidResourceHandle)) return error;
  require_stream(stream, "cudaEventRecord");
  require_event(event, "cudaEventRecord");
  if ((error = capture_status(stream)) != cudaSuccess) return error;
  EventState& state = *event->state;
  state.capture = stream->capture;
  state.captured_after = stream->captured_after;
  state.step = rlnas::simulator::state().step;
  if (stream->capture != nullptr) return cudaSuccess;
  scheduler().push(
      stream,
      {.what = "record an event", .run = nullptr, .records = event->state, .generation = ++state.issued});
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::wait, cudaErrorUnknown)) return error;
  require_event(event, "cudaEventSynchronize");
  if (refused_by_capture(event->state->capture.get(), error)) return error;
  if (event->state->step == state().step) ++state().usage.host_waits_at_once;
  if (++state().usage.host_waits == state().options.drop_host_wait_at) return cudaSuccess;
  scheduler().wait(*event->state);
  return report(device_status());
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Entry entry;
  cudaError_t error;
  if (entry.refused(error, Call::wait, cudaErrorUnknown)) return error;
  require_event(event, "cudaEventQuery");
  if (refused_by_capture(event->state->capture.get(), error)) return error;
  if (event->state->done >= event->state->issued) return cudaSuccess;
  scheduler().advance();
  return device_status() == cudaSuccess ? cudaErrorNotReady : report(device_status());
}

}  // extern "C"
