#include "kernels/cuda/loss.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

void CudaBackend::cross_entropy(const CrossEntropySpec& spec, const float* logits, const std::int32_t* labels,
                                float* dlogits, LossSums* sums) {
  launch_cross_entropy(spec, logits, labels, dlogits, sums, stream_);
}

}  // namespace rlnas
