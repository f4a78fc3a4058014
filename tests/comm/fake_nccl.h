// The few calls of NCCL and cudart that nccl_exchange.cpp makes, on threads: each stream a thread that works
// off its queue, each rank a thread of the test. Linked instead of the real libraries. Sums are in rank
// order.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>

namespace rlnas::test {

struct FakeNcclOptions {
  int polls_in_progress = 3;    // how often a call that is under way says so
  int broken_after_calls = -1;  // all-reduces of a rank after which its communicator reports an error
};
// Before any communicator is made.
void reset_fake_nccl(const FakeNcclOptions& options);
int fake_all_reduces();  // calls so far, of all ranks
int fake_aborts();

// Work on a stream, as a kernel would be. Waiting for all of it: cudaStreamSynchronize, which the code under
// test never calls.
void launch_on(cudaStream_t stream, std::function<void()> work);
void drain(cudaStream_t stream);

}  // namespace rlnas::test
