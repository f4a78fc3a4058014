#include "kernels/cuda/augment.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

void CudaBackend::augment_images(const AugmentSpec& spec, const std::uint8_t* images,
                                 const AugmentParams* params, float* y) {
  launch_augment_images(spec, images, params, y, stream_);
}

}  // namespace rlnas
