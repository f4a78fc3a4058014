#include "kernels/cuda/sgd.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

void CudaBackend::sgd_step(const SgdSpec& spec, const SegmentBlock* blocks, int block_count,
                           const SegmentState* states, const float* gradient, float* momentum,
                           float* weights) {
  launch_sgd_step(spec, {}, blocks, block_count, states, gradient, momentum, weights, stream_);
}

}  // namespace rlnas
