#include "kernels/cuda/sgd.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

void CudaBackend::sgd_step(const SgdSpec& spec, const SegmentBlock* blocks, int block_count,
                           const SegmentState* states, const float* gradient, float* momentum,
                           float* weights) {
  launch_sgd_step(spec, {}, blocks, block_count, states, gradient, momentum, weights, stream_);
}

std::size_t gradient_norm_workspace_bytes(int block_count) {
  return std::size_t(block_count) * sizeof(double);
}

void gradient_norm(const SegmentBlock* blocks, int block_count, const SegmentState* states,
                   const float* gradient, float max_norm, double* norm, float* scale, Workspace workspace,
                   GpuStream stream) {
  launch_gradient_norm(blocks, block_count, states, gradient, max_norm, norm, scale, workspace, stream);
}

void clipped_sgd_step(const SgdSpec& spec, const GradientClip& clipping, const SegmentBlock* blocks,
                      int block_count, const SegmentState* states, const float* gradient, float* momentum,
                      float* weights, GpuStream stream) {
  launch_sgd_step(spec, clipping, blocks, block_count, states, gradient, momentum, weights, stream);
}

}  // namespace rlnas
