// Batch norm and average pooling through cuDNN, a choice of the user's (CudaOptions::norm_and_pool). All its
// engines for them are compiled at run time, when a shape is first asked for.
//
// Own kernels stay where cuDNN 9.19 has nothing that keeps the backend's promises (H100, from its plans):
//   batch norm of channels that are no multiple of 4: no engine.
//   average pooling's gradient in plain fp32: its engines carry the tensor-core note.
//   the same added to what is there: no engine takes a beta, and the call has no workspace to add from.
//   maximum pooling: what its index holds and who wins a tie is not documented, and the index is the
//   interface's; without an index the gradient crashes in planning.
// Pooling plans may need no workspace, for the calls have none: the policy refuses others.
#pragma once

#include "kernels/cuda/cudnn_handle.h"
#include "kernels/cuda/cudnn_plans.h"
#include "kernels/cuda/norm_pool.h"

namespace rlnas {

class CudnnNormPool final : public NormPool {
 public:
  // On the current CUDA device. Errors: device when cuDNN cannot be started.
  CudnnNormPool(const CudaOptions& options, GpuStream stream);

  bool takes(const BatchNormSpec& spec) const override;
  bool takes(const PoolSpec& spec, Direction direction, Store store) const override;

  std::size_t batch_norm_workspace_bytes(const BatchNormSpec& spec) override;
  void batch_norm_statistics(const BatchNormSpec& spec, const float* x, const float* gamma, const float* beta,
                             float* running_mean, float* running_var, BatchNormSaved saved,
                             Workspace workspace) override;
  void batch_norm_backward(const BatchNormSpec& spec, const float* x, const float* dy, BatchNormSaved saved,
                           float* dx, float* dgamma, float* dbeta, Workspace workspace) override;
  void avg_pool_forward(const PoolSpec& spec, const float* x, float* y) override;
  void avg_pool_backward(const PoolSpec& spec, const float* dy, float* dx) override;

 private:
  const CudnnPlan& norm_plan(const BatchNormSpec& spec, Direction direction);
  const CudnnPlan& pool_plan(const PoolSpec& spec, Direction direction);

  Precision precision_;
  GpuStream stream_;
  CudnnPlans norm_plans_, pool_plans_;
  CudnnHandle handle_;
};

}  // namespace rlnas
