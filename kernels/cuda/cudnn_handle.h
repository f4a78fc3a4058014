// A cuDNN handle on one stream: what runs plans.
#pragma once

#include <cudnn.h>

#include <span>

#include "kernels/cuda/cudnn_plan.h"
#include "kernels/cuda/gpu_stream.h"

namespace rlnas {

class CudnnHandle {
 public:
  // On the current CUDA device. Errors: device when cuDNN cannot be started, or is older than
  // the one compiled for.
  explicit CudnnHandle(GpuStream stream);
  ~CudnnHandle();
  CudnnHandle(const CudnnHandle&) = delete;
  CudnnHandle& operator=(const CudnnHandle&) = delete;

  // pointers[i]: the tensor of the graph with number i + 1. Async on the stream.
  void execute(const CudnnPlan& plan, std::span<void* const> pointers, void* scratch, const char* what) const;

 private:
  cudnnHandle_t handle_ = nullptr;
};

}  // namespace rlnas
