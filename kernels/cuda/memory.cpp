// Device memory, copies and waiting.
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/cuda_device.h"

namespace rlnas {

void* allocate_device(std::size_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMalloc(&memory, bytes == 0 ? 1 : bytes);
  if (status != cudaErrorMemoryAllocation) check_cuda(status, "cudaMalloc");
  if (memory != nullptr) return memory;
  cudaGetLastError();  // else the next launch would report this error as its own
  std::size_t free_bytes = 0, total_bytes = 0;
  cudaMemGetInfo(&free_bytes, &total_bytes);
  fail(ErrorCode::device, "out of device memory: ", bytes >> 20, " MiB wanted in one block, ",
       free_bytes >> 20, " MiB of ", total_bytes >> 20, " free; lower --batch-size");
}

void* CudaBackend::allocate(std::size_t bytes) {
  return allocate_device(bytes);
}

void CudaBackend::release(void* memory) noexcept {
  cudaFree(memory);  // waits for the device, so nothing queued still uses it
}

void CudaBackend::upload(void* device, const void* host, std::size_t bytes) {
  device_->link.upload(device, host, bytes);
}

void CudaBackend::expect_uploads(std::size_t bytes) {
  if (device_->link.has_room_for(bytes)) return;
  device_->interrupt_graph();
  device_->link.make_room_for(bytes);
}

void CudaBackend::download(void* host, const void* device, std::size_t bytes) {
  device_->link.download(host, device, bytes);
}

void CudaBackend::synchronize() {
  device_->compute.synchronize();
}

}  // namespace rlnas
