#include "tests/comm/fake_nccl.h"

#include <nccl.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

// The handles of the headers are pointers to these.
struct CUstream_st {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<std::function<void()>> queue;
  bool busy = false;
  std::jthread worker{[this](const std::stop_token& stop) { run(stop); }};  // last: starts when all is ready

  void push(std::function<void()> work) {
    const std::lock_guard lock(mutex);
    queue.push_back(std::move(work));
    changed.notify_all();
  }
  void drain() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return queue.empty() && !busy; });
  }
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    while (changed.wait(lock, stop, [&] { return !queue.empty(); })) {
      const std::function<void()> work = std::move(queue.front());
      queue.pop_front();
      busy = true;
      lock.unlock();
      work();
      lock.lock();
      busy = false;
      changed.notify_all();
    }
  }
};

// Shared with the work that waits for it: a destroyed event may still be waited for.
struct CUevent_st {
  struct Marks {
    std::mutex mutex;
    std::condition_variable changed;
    int recorded = 0, reached = 0;
  };
  std::shared_ptr<Marks> marks = std::make_shared<Marks>();
};

namespace {

// What the communicators of one id share: the contributions to each all-reduce, by its number.
struct Group {
  struct Sum {
    std::vector<std::vector<float>> parts;
    int brought = 0, taken = 0;
  };
  std::mutex mutex;
  std::condition_variable changed;
  std::map<int, Sum> sums;
  int size = 0;
  bool lost_a_rank = false;
};

struct State {
  rlnas::test::FakeNcclOptions options;
  std::mutex mutex;
  std::map<int, std::shared_ptr<Group>> groups;  // by id
  std::atomic<int> ids{0}, all_reduces{0}, aborts{0}, communicators{0};
} state;

bool fails(rlnas::test::NcclCall call, int rank) {
  return state.options.fails == call && state.options.failing_rank == rank;
}

}  // namespace

struct ncclComm {
  std::shared_ptr<Group> group;
  int rank = 0, polls_left = 0, calls = 0;
  std::vector<float> factors{};  // of pre-multiplied sums, by operation
  // Under the group's mutex; its work may outlive it.
  std::shared_ptr<bool> aborted = std::make_shared<bool>(false);
};

namespace rlnas::test {

void reset_fake_nccl(const FakeNcclOptions& options) {
  state.options = options;
  state.groups.clear();
  state.all_reduces = state.aborts = 0;
}
int fake_all_reduces() {
  return state.all_reduces;
}
int fake_aborts() {
  return state.aborts;
}
int fake_communicators() {
  return state.communicators;
}
void launch_on(cudaStream_t stream, std::function<void()> work) {
  stream->push(std::move(work));
}
void drain(cudaStream_t stream) {
  stream->drain();
}

}  // namespace rlnas::test

// ---- cudart ---------------------------------------------------------------------------------------------

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int) {
  *stream = new CUstream_st;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int) {
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const std::lock_guard lock(event->marks->mutex);
  const int number = ++event->marks->recorded;
  stream->push([marks = event->marks, number] {
    const std::lock_guard inner(marks->mutex);
    marks->reached = number;
    marks->changed.notify_all();
  });
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int) {
  const std::lock_guard lock(event->marks->mutex);
  const int number = event->marks->recorded;  // as it is now: later records do not count
  stream->push([marks = event->marks, number] {
    std::unique_lock inner(marks->mutex);
    marks->changed.wait(inner, [&] { return marks->reached >= number; });
  });
  return cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const std::lock_guard lock(event->marks->mutex);
  return event->marks->reached == event->marks->recorded ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaGetLastError() {
  return cudaSuccess;
}
const char* cudaGetErrorString(cudaError_t) {
  return "simulated";
}

// ---- NCCL -----------------------------------------------------------------------------------------------

ncclResult_t ncclGetVersion(int* version) {
  *version = NCCL_VERSION_CODE;
  return ncclSuccess;
}
const char* ncclGetErrorString(ncclResult_t) {
  return "simulated failure";
}
ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  if (fails(rlnas::test::NcclCall::get_id, 0)) return ncclSystemError;
  const int number = ++state.ids;
  std::memcpy(id->internal, &number, sizeof(number));
  return ncclSuccess;
}
ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int size, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  if (config->blocking != 0) return ncclInvalidUsage;
  *comm = nullptr;
  if (fails(rlnas::test::NcclCall::init, rank)) return ncclUnhandledCudaError;
  int number = 0;
  std::memcpy(&number, id.internal, sizeof(number));
  const std::lock_guard lock(state.mutex);
  std::shared_ptr<Group>& group = state.groups[number];
  if (!group) {  // the first alone says the size, which the others' work may be reading
    group = std::make_shared<Group>();
    group->size = size;
  }
  *comm =
      new ncclComm{.group = group, .rank = rank, .polls_left = state.options.polls_in_progress, .calls = 0};
  ++state.communicators;
  return ncclInProgress;
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* result) {
  if (fails(rlnas::test::NcclCall::async_error, comm->rank)) return ncclInternalError;
  const std::lock_guard lock(comm->group->mutex);
  if (comm->group->lost_a_rank && state.options.death == rlnas::test::Death::seen) {
    *result = ncclRemoteError;
    return ncclSuccess;
  }
  const int broken = state.options.broken_after_calls;
  *result = broken >= 0 && comm->calls > broken ? ncclRemoteError
            : comm->polls_left-- > 0            ? ncclInProgress
                                                : ncclSuccess;
  return ncclSuccess;
}
ncclResult_t ncclRedOpCreatePreMulSum(ncclRedOp_t* op, void* scalar, ncclDataType_t type,
                                      ncclScalarResidence_t residence, ncclComm_t comm) {
  if (fails(rlnas::test::NcclCall::create_sum, comm->rank)) return ncclSystemError;
  if (type != ncclFloat32 || residence != ncclScalarHostImmediate) return ncclInvalidArgument;
  *op = ncclRedOp_t(int(ncclNumOps) + int(comm->factors.size()));
  comm->factors.push_back(*static_cast<const float*>(scalar));
  return ncclSuccess;
}
ncclResult_t ncclRedOpDestroy(ncclRedOp_t op, ncclComm_t comm) {
  comm->factors.at(std::size_t(int(op) - int(ncclNumOps))) = 0.0f;
  return ncclSuccess;
}
ncclResult_t ncclAllReduce(const void* from, void* to, size_t count, ncclDataType_t, ncclRedOp_t op,
                           ncclComm_t comm, cudaStream_t stream) {
  if (fails(rlnas::test::NcclCall::all_reduce, comm->rank)) return ncclUnhandledCudaError;
  ++state.all_reduces;
  const float factor = comm->factors.at(std::size_t(int(op) - int(ncclNumOps)));
  const int number = comm->calls++, rank = comm->rank;
  comm->polls_left = state.options.polls_in_progress;
  stream->push([=, group = comm->group, aborted = comm->aborted] {
    const auto* const in = static_cast<const float*>(from);
    std::unique_lock lock(group->mutex);
    Group::Sum& sum = group->sums[number];
    sum.parts.resize(std::size_t(group->size));
    std::vector<float>& own = sum.parts[std::size_t(rank)];
    own.assign(in, in + count);
    for (float& value : own) value *= factor;
    ++sum.brought;
    group->changed.notify_all();
    group->changed.wait(lock, [&] { return sum.brought == group->size || *aborted; });
    if (*aborted) return;
    auto* const out = static_cast<float*>(to);
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = sum.parts[0].at(i);
      for (std::size_t r = 1; r < sum.parts.size(); ++r) out[i] += sum.parts[r].at(i);
    }
    if (++sum.taken == group->size) group->sums.erase(number);
  });
  return ncclInProgress;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  ++state.aborts;
  {
    const std::lock_guard lock(comm->group->mutex);  // or who is about to wait would miss it
    *comm->aborted = comm->group->lost_a_rank = true;
  }
  comm->group->changed.notify_all();
  --state.communicators;
  delete comm;
  return ncclSuccess;
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  --state.communicators;
  delete comm;
  return ncclSuccess;
}
