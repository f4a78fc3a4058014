// Batch norm and average pooling by cuDNN (CudaOptions::norm_and_pool), as CudaBackend sees them: an
// interface, so that the files of own kernels include nothing of cuDNN.
#pragma once

#include <functional>
#include <memory>

#include "kernels/backend.h"
#include "kernels/cuda/gpu_stream.h"

namespace rlnas {

class NormPool {
 public:
  virtual ~NormPool() = default;

  // Whether these problems are done here; own kernels do the others.
  virtual bool takes(const BatchNormSpec& spec, Element element) const = 0;
  virtual bool takes(const PoolSpec& spec, Direction direction, Store store) const = 0;

  // As Backend's. The scratch memory is that of both passes of a norm.
  virtual std::size_t norm_workspace_bytes(const BatchNormSpec& spec, Element element) = 0;
  virtual void run(const BatchNormStatistics& call, Workspace workspace) = 0;
  virtual void run(const BatchNormBackward& call, Workspace workspace) = 0;
  virtual void run(const AvgPoolForward& call) = 0;
  virtual void run(const AvgPoolBackward& call) = 0;
};

// On the current CUDA device; `before_planning` as in CudnnPlans. Errors: device when cuDNN cannot be
// started.
std::unique_ptr<NormPool> make_cudnn_norm_pool(
    const CudaOptions& options, GpuStream stream, const std::function<void()>& before_planning = [] {});

}  // namespace rlnas
