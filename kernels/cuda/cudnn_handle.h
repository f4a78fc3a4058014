// A cuDNN handle on one stream: what runs plans.
#pragma once

#include <cudnn.h>

#include <cstddef>
#include <map>
#include <span>
#include <vector>

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
  void execute(const CudnnPlan& plan, std::span<void* const> pointers, void* scratch, const char* what);

 private:
  const CudnnDescriptor& pack_of(std::span<void* const> pointers, void* scratch);

  cudnnHandle_t handle_ = nullptr;
  // Variant packs, which say where tensors are and nothing of the plan: by their addresses, the scratch last.
  std::map<std::vector<void*>, CudnnDescriptor> packs_;
};

}  // namespace rlnas
