// Angle sums of one w0 with several w1, all in the layout of the same table, beyond what Backend asks for; in
// angle.cu, for callers that are plain C++. Device pointers, asynchronous on the stream, nothing allocated.
#pragma once

#include <cstdint>

#include "kernels/backend.h"
#include "kernels/cuda/gpu_stream.h"

namespace rlnas {

struct Bf16;  // two bytes: bf16.cuh

template <class Weight>
struct AngleBatch {
  static constexpr int kMaxCheckpoints = 16;
  const Weight* w0 = nullptr;
  int count = 0;
  const Weight* w1[kMaxCheckpoints] = {};
};

// What a block's own sums are kept in; those of a segment always add up in double (angle.cuh says when fp32
// pays).
enum class PartialSums { fp64, fp32 };

std::size_t angle_batch_workspace_bytes(int block_count, int checkpoints, PartialSums partial);
// -> sums [checkpoint][segment_count]. Determinism: a checkpoint gives the same bits alone and among others.
void angle_sums_batch(const AngleBatch<float>& batch, PartialSums partial, const SegmentBlock* blocks,
                      int block_count, int segment_count, AngleSums* sums, Workspace workspace,
                      GpuStream stream);
void angle_sums_batch(const AngleBatch<Bf16>& batch, PartialSums partial, const SegmentBlock* blocks,
                      int block_count, int segment_count, AngleSums* sums, Workspace workspace,
                      GpuStream stream);

}  // namespace rlnas
