#include "kernels/cuda/angle.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

std::size_t CudaBackend::angle_sums_workspace_bytes(int block_count) const {
  return angle_scratch_bytes<double>(block_count, 1);
}

void CudaBackend::angle_sums(const SegmentBlock* blocks, int block_count, int segment_count, const float* w0,
                             const float* w1, AngleSums* sums, Workspace workspace) {
  const AngleBatch<float> batch{.w0 = w0, .count = 1, .w1 = {w1}};
  launch_angle_sums<double>(batch, blocks, block_count, segment_count, sums, workspace, stream_);
}

}  // namespace rlnas
