// The few calls of NCCL that nccl_exchange.cpp makes, for ranks that are threads of a test. Linked instead of
// the real library, on streams that are threads (stream_threads.h) or on the simulated device. Sums are in
// rank order.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <optional>

namespace rlnas::test {

enum class NcclCall { get_id, init, async_error, create_sum, all_reduce };
inline constexpr NcclCall kNcclCalls[] = {NcclCall::get_id, NcclCall::init, NcclCall::async_error,
                                          NcclCall::create_sum, NcclCall::all_reduce};

enum class Death {
  seen,    // others are told at their next question
  silent,  // others wait for it for ever
};

struct FakeNcclOptions {
  int polls_in_progress = 3;           // how often a call that is under way says so
  int broken_after_calls = -1;         // all-reduces of a rank after which its communicator reports an error
  std::optional<NcclCall> fails = {};  // of failing_rank, each time
  int failing_rank = 0;
  Death death = Death::seen;  // what abort() of one rank means to the others
};
// Before any communicator is made.
void reset_fake_nccl(const FakeNcclOptions& options);
int fake_all_reduces();  // calls so far, of all ranks
int fake_aborts();
int fake_communicators();  // made and not yet given back

// A rank's part of an all-reduce: gives what it has, waits until all have, takes the sum. Every part may be
// called from another thread.
struct Collective {
  std::function<void()> bring;
  std::function<bool()> complete;
  std::function<void()> take;
};
// On a stream of the current device; what plays cudart defines it.
cudaError_t queue_collective(cudaStream_t stream, Collective part);

}  // namespace rlnas::test
