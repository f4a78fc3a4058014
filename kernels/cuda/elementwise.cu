#include "kernels/cuda/elementwise.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

void CudaBackend::affine_sum(const AffineSumSpec& spec, float* sum, float* activated) {
  launch_affine_sum(spec, sum, activated, stream_);
}

void CudaBackend::activation_backward(Activation activation, std::size_t count, const float* activated,
                                      const float* dy, float* dx, Store store) {
  launch_activation_backward(activation, count, activated, dy, dx, store, stream_);
}

void CudaBackend::add(std::size_t count, const float* x, float* y, Store store) {
  launch_add(count, x, y, store, stream_);
}

void CudaBackend::fill(std::size_t count, float value, float* y) {
  launch_fill(count, value, y, stream_);
}

void CudaBackend::scale_rows(const RowScaleSpec& spec, const float* scale, const float* x, float* y,
                             Store store) {
  launch_scale_rows(spec, scale, x, y, store, stream_);
}

}  // namespace rlnas
