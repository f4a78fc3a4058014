#include "kernels/cuda/sgd.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

void CudaBackend::sgd_step(const SgdSpec& spec, const SegmentBlock* blocks, int block_count,
                           const SegmentState* states, const float* gradient, float* momentum,
                           float* weights) {
  launch_sgd_step(spec, blocks, block_count, states, gradient, momentum, weights, stream_);
}

std::size_t CudaBackend::gradient_norm_workspace_bytes(int block_count) const {
  return rlnas::gradient_norm_workspace_bytes(block_count);
}

void CudaBackend::gradient_norm(const SegmentBlock* blocks, int block_count, const SegmentState* states,
                                const float* gradient, float max_norm, GradientNorm* norm,
                                Workspace workspace) {
  launch_gradient_norm(blocks, block_count, states, gradient, max_norm, norm, workspace, stream_);
}

}  // namespace rlnas
