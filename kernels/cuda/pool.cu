#include "kernels/cuda/pool.cuh"

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/norm_pool.h"

namespace rlnas {

void CudaBackend::avg_pool_forward(const PoolSpec& spec, const float* x, float* y) {
  if (norm_pool_ != nullptr && norm_pool_->takes(spec, Direction::forward, Store::overwrite))
    return norm_pool_->avg_pool_forward(spec, x, y);
  launch_avg_pool_forward(spec, x, y, stream_);
}

void CudaBackend::avg_pool_backward(const PoolSpec& spec, const float* dy, float* dx, Store store) {
  if (norm_pool_ != nullptr && norm_pool_->takes(spec, Direction::backward, store))
    return norm_pool_->avg_pool_backward(spec, dy, dx);
  launch_avg_pool_backward(spec, dy, dx, store, stream_);
}

void CudaBackend::max_pool_forward(const PoolSpec& spec, const float* x, float* y, std::uint8_t* index) {
  launch_max_pool_forward(spec, x, y, index, stream_);
}

void CudaBackend::max_pool_backward(const PoolSpec& spec, const std::uint8_t* index, const float* dy,
                                    float* dx, Store store) {
  launch_max_pool_backward(spec, index, dy, dx, store, stream_);
}

void CudaBackend::global_avg_pool_forward(int batch, int pixels, int channels, const float* x, float* y) {
  launch_global_avg_pool_forward(batch, pixels, channels, x, y, stream_);
}

void CudaBackend::global_avg_pool_backward(int batch, int pixels, int channels, const float* dy, float* dx) {
  launch_global_avg_pool_backward(batch, pixels, channels, dy, dx, stream_);
}

}  // namespace rlnas
