#include "bench/device_copy.h"

#include "kernels/cuda/cuda_handles.h"

namespace rlnas::bench {

void queue_device_copy(Backend& backend, void* to, const void* from, std::size_t bytes) {
  const cudaStream_t stream = static_cast<cudaStream_t>(backend.native_stream());
  check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream), "cudaMemcpyAsync");
}

}  // namespace rlnas::bench
