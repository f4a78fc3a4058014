// The all-reduces of the fake NCCL on the simulated device: each rank a thread with a device of its own.
#include "tests/comm/fake_nccl.h"
#include "tests/simulator/stream.h"

cudaError_t rlnas::test::queue_collective(cudaStream_t stream, Collective part) {
  using namespace rlnas::simulator;
  const Entry entry;
  const cudaError_t error = enqueue(stream, "all-reduce", std::move(part.bring));
  if (error != cudaSuccess) return error;
  scheduler().push(stream,
                   {.what = "all-reduce", .run = std::move(part.take), .may_run = std::move(part.complete)});
  return cudaSuccess;
}
