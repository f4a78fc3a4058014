#include "tests/comm/fake_nccl.h"

#include <nccl.h>

#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace {

// What the communicators of one id share: the contributions to each all-reduce, by its number.
struct Group {
  struct Sum {
    std::vector<std::vector<float>> parts;
    int brought = 0, taken = 0;
  };
  std::mutex mutex;
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

}  // namespace rlnas::test

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
  const auto bring = [=, group = comm->group, aborted = comm->aborted] {
    const std::lock_guard lock(group->mutex);
    if (*aborted) return;
    const auto* const in = static_cast<const float*>(from);
    Group::Sum& sum = group->sums[number];
    sum.parts.resize(std::size_t(group->size));
    std::vector<float>& own = sum.parts[std::size_t(rank)];
    own.assign(in, in + count);
    for (float& value : own) value *= factor;
    ++sum.brought;
  };
  const auto complete = [=, group = comm->group, aborted = comm->aborted] {
    const std::lock_guard lock(group->mutex);
    return *aborted || group->sums[number].brought == group->size;
  };
  const auto take = [=, group = comm->group, aborted = comm->aborted] {
    const std::lock_guard lock(group->mutex);
    if (*aborted) return;
    Group::Sum& sum = group->sums.at(number);
    auto* const out = static_cast<float*>(to);
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = sum.parts[0].at(i);
      for (std::size_t r = 1; r < sum.parts.size(); ++r) out[i] += sum.parts[r].at(i);
    }
    if (++sum.taken == group->size) group->sums.erase(number);
  };
  if (rlnas::test::queue_collective(stream, {bring, complete, take}) != cudaSuccess)
    return ncclUnhandledCudaError;
  return ncclInProgress;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  ++state.aborts;
  {
    const std::lock_guard lock(comm->group->mutex);
    *comm->aborted = comm->group->lost_a_rank = true;
  }
  --state.communicators;
  delete comm;
  return ncclSuccess;
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  --state.communicators;
  delete comm;
  return ncclSuccess;
}
