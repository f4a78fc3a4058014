#include "kernels/cuda/rearrange.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

void CudaBackend::run(const CopyChannels& call, Workspace) {
  launch_copy_channels(call, stream_);
}

void CudaBackend::run(const ShuffleChannels& call, Workspace) {
  launch_shuffle_channels(call, stream_);
}

void CudaBackend::run(const SubsampleForward& call, Workspace) {
  launch_subsample_forward(call, stream_);
}

void CudaBackend::run(const SubsampleBackward& call, Workspace) {
  launch_subsample_backward(call, stream_);
}

}  // namespace rlnas
