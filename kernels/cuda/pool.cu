#include "kernels/cuda/pool.cuh"

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/norm_pool.h"

namespace rlnas {

void CudaBackend::run(const AvgPoolForward& call, Workspace) {
  if (norm_pool_ != nullptr && norm_pool_->takes(call.spec, Direction::forward, Store::overwrite))
    return norm_pool_->run(call);
  launch_avg_pool_forward(call, stream_);
}

void CudaBackend::run(const AvgPoolBackward& call, Workspace) {
  if (norm_pool_ != nullptr && norm_pool_->takes(call.spec, Direction::backward, call.store))
    return norm_pool_->run(call);
  launch_avg_pool_backward(call, stream_);
}

void CudaBackend::run(const MaxPoolForward& call, Workspace) {
  launch_max_pool_forward(call, stream_);
}

void CudaBackend::run(const MaxPoolBackward& call, Workspace) {
  launch_max_pool_backward(call, stream_);
}

void CudaBackend::run(const GlobalAvgPoolForward& call, Workspace) {
  launch_global_avg_pool_forward(call, stream_);
}

void CudaBackend::run(const GlobalAvgPoolBackward& call, Workspace) {
  launch_global_avg_pool_backward(call, stream_);
}

}  // namespace rlnas
