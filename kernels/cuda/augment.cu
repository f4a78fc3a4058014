#include "kernels/cuda/augment.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

void CudaBackend::run(const AugmentImages& call, Workspace) {
  launch_augment_images(call, stream_);
}

}  // namespace rlnas
