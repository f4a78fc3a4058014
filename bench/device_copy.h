// The copy bandwidth of a CUDA device, measured: the yardstick of what runs there.
#pragma once

#include "kernels/backend.h"

namespace rlnas::bench {

// Queues cudaMemcpyAsync from device to device on the backend's stream. cuda/device_copy.cpp or, in a build
// without CUDA, no_cuda/device_copy.cpp, which has nothing to be called for.
void queue_device_copy(Backend& backend, void* to, const void* from, std::size_t bytes);

// GB/s (1e9) over buffers of `bytes` in all; a copied byte counts twice, as in engine/machine_peaks.h.
double device_copy_gbs(Backend& backend, std::size_t bytes);

}  // namespace rlnas::bench
