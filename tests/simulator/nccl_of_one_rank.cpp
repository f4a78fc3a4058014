#include "tests/simulator/nccl_of_one_rank.h"

#include <nccl.h>

#include <vector>

#include "tests/simulator/stream.h"

using namespace rlnas::simulator;

struct ncclComm {
  std::vector<float> factors;  // of pre-multiplied sums, by operation
};

namespace {
int queued = 0;
}  // namespace

int rlnas::simulator::all_reduces() {
  return queued;
}

ncclResult_t ncclGetVersion(int* version) {
  *version = NCCL_VERSION_CODE;
  return ncclSuccess;
}
const char* ncclGetErrorString(ncclResult_t) {
  return "simulated failure";
}
ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  *id = {};
  return ncclSuccess;
}
ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int size, ncclUniqueId, int, ncclConfig_t*) {
  if (size != 1) misuse("NCCL of several ranks is not simulated");
  *comm = new ncclComm;
  return ncclInProgress;
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t, ncclResult_t* result) {
  *result = ncclSuccess;
  return ncclSuccess;
}
ncclResult_t ncclRedOpCreatePreMulSum(ncclRedOp_t* op, void* scalar, ncclDataType_t, ncclScalarResidence_t,
                                      ncclComm_t comm) {
  *op = ncclRedOp_t(int(ncclNumOps) + int(comm->factors.size()));
  comm->factors.push_back(*static_cast<const float*>(scalar));
  return ncclSuccess;
}
ncclResult_t ncclRedOpDestroy(ncclRedOp_t, ncclComm_t) {
  return ncclSuccess;
}
ncclResult_t ncclAllReduce(const void* from, void* to, std::size_t count, ncclDataType_t, ncclRedOp_t op,
                           ncclComm_t comm, cudaStream_t stream) {
  const Entry entry;
  ++queued;
  const float factor = comm->factors.at(std::size_t(int(op) - int(ncclNumOps)));
  const cudaError_t error = enqueue(stream, "all-reduce", [=] {
    for (std::size_t i = 0; i < count; ++i)
      static_cast<float*>(to)[i] = factor * static_cast<const float*>(from)[i];
  });
  return error == cudaSuccess ? ncclSuccess : ncclUnhandledCudaError;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  delete comm;
  return ncclSuccess;
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  delete comm;
  return ncclSuccess;
}
