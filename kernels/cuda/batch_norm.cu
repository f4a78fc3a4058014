#include "kernels/cuda/batch_norm.cuh"

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/norm_pool.h"
#include "kernels/cuda/norm_staging.h"

namespace rlnas {

std::size_t CudaBackend::batch_norm_workspace_bytes(const BatchNormSpec& spec) const {
  if (norm_pool_ != nullptr && norm_pool_->takes(spec)) return norm_pool_->batch_norm_workspace_bytes(spec);
  return batch_norm_scratch_bytes(spec);
}

void CudaBackend::batch_norm_statistics(const BatchNormSpec& spec, const float* x, const float* gamma,
                                        const float* beta, float* running_mean, float* running_var,
                                        BatchNormSaved saved, Workspace workspace) {
  if (norm_pool_ != nullptr && norm_pool_->takes(spec))
    return norm_pool_->batch_norm_statistics(spec, x, gamma, beta, running_mean, running_var, saved,
                                             workspace);
  launch_batch_norm_statistics(spec, x, gamma, beta, running_mean, running_var, saved, workspace, stream_);
}

void CudaBackend::batch_norm_backward(const BatchNormSpec& spec, const float* x, const float* dy,
                                      BatchNormSaved saved, float* dx, float* dgamma, float* dbeta,
                                      Workspace workspace) {
  if (norm_pool_ != nullptr && norm_pool_->takes(spec))
    return norm_pool_->batch_norm_backward(spec, x, dy, saved, dx, dgamma, dbeta, workspace);
  launch_batch_norm_backward(spec, x, dy, saved, dx, dgamma, dbeta, workspace, stream_);
}

void CudaBackend::batch_norm_inference(const BatchNormSpec& spec, const float* gamma, const float* beta,
                                       const float* running_mean, const float* running_var,
                                       BatchNormSaved saved) {
  launch_batch_norm_inference(spec, gamma, beta, running_mean, running_var, saved, stream_);
}

void norm_from_saved(const BatchNormSpec& spec, const float* gamma, const float* beta, float* running_mean,
                     float* running_var, BatchNormSaved saved, GpuStream stream) {
  launch("batch_norm_from_saved_kernel", batch_norm_from_saved_kernel,
         channels_shape("batch_norm_from_saved_kernel", spec), stream, spec, gamma, beta, running_mean,
         running_var, saved);
}

void gamma_from_saved(const BatchNormSpec& spec, BatchNormSaved saved, float* gamma, GpuStream stream) {
  launch("batch_norm_gamma_kernel", batch_norm_gamma_kernel, channels_shape("batch_norm_gamma_kernel", spec),
         stream, spec.channels, saved, gamma);
}

}  // namespace rlnas
