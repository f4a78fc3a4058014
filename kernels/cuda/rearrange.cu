#include "kernels/cuda/rearrange.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

void CudaBackend::copy_channels(const ChannelCopySpec& spec, const float* x, float* y, Store store) {
  launch_copy_channels(spec, x, y, store, stream_);
}

void CudaBackend::subsample_forward(const SubsampleSpec& spec, const float* x, float* y) {
  launch_subsample_forward(spec, x, y, stream_);
}

void CudaBackend::subsample_backward(const SubsampleSpec& spec, const float* dy, float* dx, Store store) {
  launch_subsample_backward(spec, dy, dx, store, stream_);
}

}  // namespace rlnas
