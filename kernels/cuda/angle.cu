#include "kernels/cuda/angle.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

std::size_t CudaBackend::workspace_bytes(const TakeAngleSums& call) {
  return angle_scratch_bytes<double>(call.block_count);
}

void CudaBackend::run(const TakeAngleSums& call, Workspace workspace) {
  launch_angle_sums<double>(call.w0, call.w1, call.blocks, call.block_count, call.segment_count, call.sums,
                            workspace, stream_);
}

}  // namespace rlnas
