#include "kernels/cuda/loss.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

void CudaBackend::run(const CrossEntropy& call, Workspace) {
  launch_cross_entropy(call, stream_);
}

}  // namespace rlnas
