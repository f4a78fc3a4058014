#include "kernels/cuda/angle.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

std::size_t CudaBackend::workspace_bytes(const TakeAngleSums& call) {
  return angle_scratch_bytes<double>(call.pieces, call.checkpoint_count);
}

void CudaBackend::run(const TakeAngleSums& call, Workspace workspace) {
  check_checkpoints(call);
  AngleCheckpoints<float> w1{{}, call.checkpoint_count};
  std::copy(call.w1.begin(), call.w1.end(), w1.at);
  launch_angle_sums<double>(call.w0, w1, call.pieces, call.segment_count, call.sums, workspace, stream_);
}

}  // namespace rlnas
