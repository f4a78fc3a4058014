#include "kernels/cuda/batch_norm.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

std::size_t CudaBackend::batch_norm_workspace_bytes(const BatchNormSpec& spec) const {
  return batch_norm_scratch_bytes(spec);
}

void CudaBackend::batch_norm_statistics(const BatchNormSpec& spec, const float* x, const float* gamma,
                                        const float* beta, float* running_mean, float* running_var,
                                        BatchNormSaved saved, Workspace workspace) {
  launch_batch_norm_statistics(spec, x, gamma, beta, running_mean, running_var, saved, workspace, stream_);
}

void CudaBackend::batch_norm_backward(const BatchNormSpec& spec, const float* x, const float* dy,
                                      BatchNormSaved saved, float* dx, float* dgamma, float* dbeta,
                                      Workspace workspace) {
  launch_batch_norm_backward(spec, x, dy, saved, dx, dgamma, dbeta, workspace, stream_);
}

void CudaBackend::batch_norm_inference(const BatchNormSpec& spec, const float* gamma, const float* beta,
                                       const float* running_mean, const float* running_var,
                                       BatchNormSaved saved) {
  launch_batch_norm_inference(spec, gamma, beta, running_mean, running_var, saved, stream_);
}

}  // namespace rlnas
