// A CUDA device that is not there: host implementations of the calls of cudart, cuBLAS and cuDNN that the
// CUDA backend makes, with the real headers' signatures, linked instead of the real libraries. It is built to
// be hostile: streams run late and in the least convenient order, device memory faults when the host touches
// it, and every call can be made to fail. This header is what tests turn; programs take the same from the
// environment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace rlnas::simulator {

// Which queued work runs when something waits. Only `eager` runs work before anybody waits for it.
enum class Policy {
  eager,                // at once, as on a device that is faster than the host
  needed_only,          // what is waited for and what that depends on, nothing else
  needed_last,          // everything else first, as far as it gets
  oldest_stream_first,  // later streams starve
  newest_stream_first,  // earlier streams starve
  round_robin,          // one operation of each stream in turn
  random,
};
inline constexpr Policy kPolicies[] = {Policy::eager,
                                       Policy::needed_only,
                                       Policy::needed_last,
                                       Policy::oldest_stream_first,
                                       Policy::newest_stream_first,
                                       Policy::round_robin,
                                       Policy::random};
const char* name_of(Policy policy);

enum class Execution {
  whole,
  counted,  // copies alone run; kernels and library calls are written down: work_log.h
};

enum class Presence {
  device,
  no_device,
  no_driver,
  no_image,  // a device for which the program holds no kernels
};

// Kinds of calls that can be made to fail: all there are, but for those that give something back, whose
// failure nobody can act on. Of cuDNN `cudnn` are those that need a device; `descriptor` those that describe
// and plan, of which one that fails may only mean that there is no such plan. `execute` is work that fails
// while it runs on the device: as on the real one, every call after it fails too.
enum class Call {
  device,  // asking for devices and their memory, taking one
  allocate,
  allocate_host,
  copy,
  launch,
  stream,
  event,
  wait,  // of the host, or asking whether it would have to
  graph,
  cublas,
  cudnn,
  descriptor,
  execute,
};
inline constexpr int kCallKinds = 13;
const char* name_of(Call call);

struct Options {
  Presence presence = Presence::device;
  Policy policy = Policy::random;
  Execution execution = Execution::whole;
  std::uint64_t seed = 1;
  std::string device = "h100_sxm";  // a file of tests/cuda_plans/device_properties
  int devices = 1;                  // of the machine; CUDA_VISIBLE_DEVICES may hide some
  std::size_t memory_bytes = 0;     // 0: as much as the device has
  std::size_t cudnn_version = 0;    // that it says it has; 0: its own
  Call fail_kind = Call::allocate;
  std::int64_t fail_at = 0;  // the call of that kind that fails, counted from 1; 0: none
  // The cudaStreamWaitEvent, cudaEventSynchronize or cudaGraphExecUpdate that is forgotten, counted from 1;
  // 0: none.
  std::int64_t drop_wait_at = 0, drop_host_wait_at = 0, drop_update_at = 0;
};

// Starts anew with these options. Everything made before must have been destroyed: misuse() otherwise.
void reset(const Options& options);
// The first use, or reset(), decides. Text of the environment variable SIMULATED_GPU:
//   "policy=random seed=3 device=a100_sxm presence=no_driver memory=1000000 cudnn=90100 fail=allocate:7"
const Options& options();
// Errors: std::invalid_argument naming the part that is not understood.
Options parse_options(const std::string& text);

// What has been used since the start.
struct Usage {
  std::int64_t calls[kCallKinds] = {};  // of each kind that could fail
  std::int64_t waits = 0;               // cudaStreamWaitEvent
  std::int64_t host_waits = 0;          // cudaEventSynchronize
  std::int64_t host_waits_at_once = 0;  // of them those for work queued since begin_step()
  std::int64_t stream_synchronizations = 0;
  std::int64_t operations = 0;            // run on the device
  std::int64_t queued = 0, captured = 0;  // calls that put work on a stream, or into a graph
  std::int64_t copies_from_pinned = 0;
  std::int64_t captures = 0, graph_instantiations = 0, graph_launches = 0;
  std::int64_t graph_updates = 0;  // that succeeded
  // Not yet destroyed:
  std::int64_t allocations = 0, host_allocations = 0, streams = 0, events = 0, graphs = 0, handles = 0;
  std::size_t device_bytes = 0;

  std::int64_t alive() const { return allocations + host_allocations + streams + events + graphs + handles; }
};
const Usage& usage();
std::size_t memory_bytes();  // of the device
// Work queued from now on is of another step.
void begin_step();

}  // namespace rlnas::simulator
