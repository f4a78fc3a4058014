#include "kernels/cuda/elementwise.cuh"

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/norm_staging.h"

namespace rlnas {

void CudaBackend::run(const AffineSum& call, Workspace) {
  launch_affine_sum(call, stream_);
}

void CudaBackend::run(const ActivationBackward& call, Workspace) {
  launch_activation_backward(call, stream_);
}

void CudaBackend::run(const Add& call, Workspace) {
  launch_add(call, stream_);
}

void CudaBackend::run(const Fill& call, Workspace) {
  launch_fill(call, stream_);
}

void CudaBackend::run(const ScaleRows& call, Workspace) {
  launch_scale_rows(call, stream_);
}

void copy_values(std::size_t count, ConstValues from, Values to, GpuStream stream) {
  launch_add({.count = count, .x = from, .y = to}, stream);
}

}  // namespace rlnas
