// Batch norm and average pooling through cuDNN, a choice of the user's (CudaOptions::norm_and_pool), as far
// as norm_pool_plans.h says. cuDNN takes one number fewer than the interface hands on: small own kernels
// (norm_staging.h) make scale, shift and running statistics of its mean and deviation, and gamma of scale.
#pragma once

#include "kernels/cuda/cudnn_handle.h"
#include "kernels/cuda/norm_pool.h"
#include "kernels/cuda/norm_pool_plans.h"

namespace rlnas {

class CudnnNormPool final : public NormPool {
 public:
  // On the current CUDA device; `before_planning` as in CudnnPlans. Errors: device when cuDNN cannot be
  // started.
  CudnnNormPool(
      const CudaOptions& options, GpuStream stream, const std::function<void()>& before_planning = [] {});

  bool takes(const BatchNormSpec& spec) const override { return plans_.takes(spec); }
  bool takes(const PoolSpec& spec, Direction direction, Store store) const override {
    return plans_.takes(spec, direction, store);
  }

  std::size_t norm_workspace_bytes(const BatchNormSpec& spec) override;
  void run(const BatchNormStatistics& call, Workspace workspace) override;
  void run(const BatchNormBackward& call, Workspace workspace) override;
  void run(const AvgPoolForward& call) override;
  void run(const AvgPoolBackward& call) override;

 private:
  GpuStream stream_;
  NormPoolPlans plans_;
  CudnnHandle handle_;
};

}  // namespace rlnas
