// The few calls of cudart that nccl_exchange.cpp makes, each stream a thread that works off its queue. Linked
// instead of the real library.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>

namespace rlnas::test {

// Work on a stream, as a kernel would be. Waiting for all of it: cudaStreamSynchronize, which the code under
// test never calls.
void launch_on(cudaStream_t stream, std::function<void()> work);
void drain(cudaStream_t stream);

}  // namespace rlnas::test
