#include "kernels/cuda/sgd.cuh"

#include "kernels/cuda/cast.cuh"
#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

void CudaBackend::run(const SgdStep& call, Workspace) {
  launch_sgd_step(call, stream_);
}

std::size_t CudaBackend::workspace_bytes(const TakeGradientNorm& call) {
  return gradient_norm_workspace_bytes(call.block_count);
}

void CudaBackend::run(const TakeGradientNorm& call, Workspace workspace) {
  launch_gradient_norm(call, workspace, stream_);
}

void CudaBackend::run(const RoundWeights& call, Workspace) {
  launch_to_bf16(call.count, call.weights, call.rounded, stream_);
}

}  // namespace rlnas
