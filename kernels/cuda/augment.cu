#include "kernels/cuda/augment.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

void CudaBackend::run(const AugmentImages& call, Workspace) {
  launch_augment_images(call, stream_);
  expect_uploads(image_bytes(call.spec));  // as the images of this call were
}

}  // namespace rlnas
