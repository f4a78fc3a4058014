// Streams, events and captured graphs of the simulated GPU. A stream is a queue of operations; nothing runs
// until something waits (a synchronisation, a query, a copy that must be complete), and then the policy of
// the options decides which of the runnable streams goes on. So an order that the program did not ask for, by
// an event or a synchronisation, does not hold under every policy.
#pragma once

#include <cuda_runtime_api.h>

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulator/state.h"

namespace rlnas::simulator {

struct Capture;

struct EventState {
  std::uint64_t issued = 0, done = 0;  // records of this event asked for, and reached by their streams
  std::shared_ptr<Capture> capture;    // when recorded last in a stream that is captured
  std::vector<int> captured_after;     // nodes
  std::int64_t step = -1;              // of the last record
};

struct Operation {
  std::string what;
  std::function<void()> run;  // empty for waits and records
  std::shared_ptr<EventState> waits_for = nullptr;
  std::shared_ptr<EventState> records = nullptr;
  std::uint64_t generation = 0;  // of the event above
  WorkNote note = nullptr;
  std::function<bool()> may_run = {};  // of work that other devices hold up
};

struct GraphNode {
  std::string what;
  std::function<void()> run;
  std::string fixed;       // what updating an executable graph cannot change
  std::vector<int> after;  // earlier nodes
  WorkNote note = nullptr;
};

struct Capture {
  cudaStream_t origin = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::vector<GraphNode> nodes;
  std::set<cudaStream_t> streams;
  bool invalidated = false;  // by something that may not be captured; only ending it is possible then
};

}  // namespace rlnas::simulator

// The names that CUDA's headers give to what its handles point to.
struct CUstream_st {
  int number = 0;
  bool destroyed = false;  // goes once its work is done
  std::deque<rlnas::simulator::Operation> queue;
  std::shared_ptr<rlnas::simulator::Capture> capture;
  std::vector<int> captured_after;
};
struct CUevent_st {
  std::shared_ptr<rlnas::simulator::EventState> state;
};
struct CUgraph_st {
  std::vector<rlnas::simulator::GraphNode> nodes;
};
struct CUgraphExec_st {
  std::vector<rlnas::simulator::GraphNode> nodes;
};

namespace rlnas::simulator {

// misuse() for the default streams, which work must not use, and for a stream that is not alive.
void require_stream(cudaStream_t stream, const std::string& what);

// Of a node that is one kernel, which an update may replace by another.
inline constexpr const char* kKernelNode = "kernel";

// Queues work, or adds it to the graph that the stream is captured into. `fixed`: see GraphNode; the work of
// a library is several kernels that depend on the problem.
// Errors: cudaErrorStreamCaptureInvalidated.
cudaError_t enqueue(cudaStream_t stream, const std::string& what, std::function<void()> run,
                    const std::string& fixed = kKernelNode, WorkNote note = nullptr);
// Of `work`, if the device counts: its place is the present one.
template <class Describe>
WorkNote note_of(const Describe& describe) {
  if (!counting()) return nullptr;
  Work work = describe();
  work.where = work_place();
  return std::make_shared<const Work>(std::move(work));
}

// Reports the error and spoils the capture that the call was not allowed in.
cudaError_t refuse_in_capture(Capture& capture, cudaError_t error = cudaErrorStreamCaptureUnsupported);
// The answer to a call on a stream whose capture is spoilt; cudaSuccess for others.
cudaError_t capture_status(cudaStream_t stream);

class Scheduler {
 public:
  cudaStream_t create();
  void destroy(cudaStream_t stream);
  bool alive(cudaStream_t stream) const;
  // Refuses a call that the whole device, or every stream of the modes that forbid allocating, has to stand
  // still for; cudaSuccess when no such capture goes on.
  enum class Forbidden { in_any_capture, unless_relaxed };
  cudaError_t refuse_in_captures(Forbidden forbidden);

  void push(cudaStream_t stream, Operation operation);
  void wait(cudaStream_t stream);
  void wait(const EventState& event);
  void wait_for_all();
  // Lets the device run a few operations, if it can, so that a program that polls comes to an end.
  void advance();

 private:
  struct Target {
    std::function<bool()> reached;
    std::function<cudaStream_t()> needed;  // a stream that has to go on
  };

  enum class IfStuck { misuse, stop };  // by other devices

  void run_until(const Target& target, IfStuck if_stuck = IfStuck::misuse);
  cudaStream_t choose(cudaStream_t needed);  // null: nothing that leads there can run
  cudaStream_t holder_of(const EventState& event, std::uint64_t generation) const;
  cudaStream_t what_unblocks(cudaStream_t stream) const;  // null: nothing on this device
  void step(cudaStream_t stream);
  void forget_finished();

  std::vector<std::unique_ptr<CUstream_st>> streams_;  // in order of creation
  int created_ = 0;
  std::size_t turn_ = 0;  // of round_robin
};
Scheduler& scheduler();  // of the current device

// Runs one piece of device work with the device's memory accessible.
// Where the device counts, copies alone run, and what has a note is written down.
void run_on_device(const std::string& what, const std::function<void()>& run, const WorkNote& note = nullptr);
// Runs a graph's nodes in an order that its edges allow.
void replay(const std::vector<GraphNode>& nodes);

}  // namespace rlnas::simulator
