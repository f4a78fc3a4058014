// What the CUDA runtime hands out, each with an owner that gives it back. Making one throws, giving back
// never does: by then the device may be gone.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "kernels/check.h"

namespace rlnas {

// Errors: device, naming the call.
inline void check_cuda(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // else the next launch would report this error as its own
  fail(ErrorCode::device, "CUDA: ", call, ": ", cudaGetErrorString(status));
}

// Not synchronised with the default stream, which nothing here uses.
class CudaStream {
 public:
  // `borrowed`: somebody else's, who destroys it; null: one of its own.
  explicit CudaStream(void* borrowed = nullptr)
      : stream_(static_cast<cudaStream_t>(borrowed)), owned_(borrowed == nullptr) {
    if (owned_)
      check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  }
  ~CudaStream() {
    if (owned_) cudaStreamDestroy(stream_);
  }
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;

  cudaStream_t get() const { return stream_; }
  void synchronize() const { check_cuda(cudaStreamSynchronize(stream_), "cudaStreamSynchronize"); }

 private:
  cudaStream_t stream_ = nullptr;
  bool owned_ = true;
};

class CudaEvent {
 public:
  CudaEvent() {
    check_cuda(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreateWithFlags");
  }
  ~CudaEvent() { cudaEventDestroy(event_); }
  CudaEvent(const CudaEvent&) = delete;
  CudaEvent& operator=(const CudaEvent&) = delete;

  void record(cudaStream_t stream) const { check_cuda(cudaEventRecord(event_, stream), "cudaEventRecord"); }
  // What is queued on `stream` from now on waits for the event.
  void hold_back(cudaStream_t stream) const {
    check_cuda(cudaStreamWaitEvent(stream, event_, 0), "cudaStreamWaitEvent");
  }
  bool reached() const {
    const cudaError_t state = cudaEventQuery(event_);
    if (state == cudaErrorNotReady) return false;
    check_cuda(state, "cudaEventQuery");
    return true;
  }
  // The host waits; at once when the event was never recorded.
  void synchronize() const { check_cuda(cudaEventSynchronize(event_), "cudaEventSynchronize"); }

 private:
  cudaEvent_t event_ = nullptr;
};

// Errors: device when there is no memory, saying how much was wanted.
void* allocate_device(std::size_t bytes);

class DeviceMemory {
 public:
  explicit DeviceMemory(std::size_t bytes) : data_(static_cast<char*>(allocate_device(bytes))) {}
  ~DeviceMemory() { cudaFree(data_); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  char* data() const { return data_; }

 private:
  char* data_;
};

// Host memory that the device copies from and to by itself.
class PinnedMemory {
 public:
  explicit PinnedMemory(std::size_t bytes) {
    void* data = nullptr;
    check_cuda(cudaHostAlloc(&data, bytes, cudaHostAllocDefault), "cudaHostAlloc");
    data_ = static_cast<char*>(data);
  }
  ~PinnedMemory() { cudaFreeHost(data_); }
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  char* data() const { return data_; }

 private:
  char* data_ = nullptr;
};

}  // namespace rlnas
