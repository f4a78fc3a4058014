#include "kernels/cuda/angle.cuh"

#include "kernels/cuda/cuda_backend.h"

namespace rlnas {

std::size_t CudaBackend::workspace_bytes(const TakeAngleSums& call) {
  return angle_scratch_bytes<double>(call.block_count, 1);
}

void CudaBackend::run(const TakeAngleSums& call, Workspace workspace) {
  const AngleBatch<float> batch{.w0 = call.w0, .count = 1, .w1 = {call.w1}};
  launch_angle_sums<double>(batch, call.blocks, call.block_count, call.segment_count, call.sums, workspace,
                            stream_);
}

std::size_t angle_batch_workspace_bytes(int block_count, int checkpoints, PartialSums partial) {
  return partial == PartialSums::fp64 ? angle_scratch_bytes<double>(block_count, checkpoints)
                                      : angle_scratch_bytes<float>(block_count, checkpoints);
}

void angle_sums_batch(const AngleBatch<float>& batch, PartialSums partial, const SegmentBlock* blocks,
                      int block_count, int segment_count, AngleSums* sums, Workspace workspace,
                      GpuStream stream) {
  const auto run =
      partial == PartialSums::fp64 ? launch_angle_sums<double, float> : launch_angle_sums<float, float>;
  run(batch, blocks, block_count, segment_count, sums, workspace, stream);
}

void angle_sums_batch(const AngleBatch<Bf16>& batch, PartialSums partial, const SegmentBlock* blocks,
                      int block_count, int segment_count, AngleSums* sums, Workspace workspace,
                      GpuStream stream) {
  const auto run =
      partial == PartialSums::fp64 ? launch_angle_sums<double, Bf16> : launch_angle_sums<float, Bf16>;
  run(batch, blocks, block_count, segment_count, sums, workspace, stream);
}

}  // namespace rlnas
