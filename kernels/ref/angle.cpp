// The three sums of (w0, w1) per segment and checkpoint.
#include "kernels/ref/ref_backend.h"

namespace rlnas {

void RefBackend::run(const TakeAngleSums& call, Workspace) {
  for (int c = 0; c < call.checkpoint_count; ++c) {
    const float* const w1 = call.w1[std::size_t(c)];
    AngleSums* const sums = call.sums + std::int64_t(c) * call.segment_count;
    for (int s = 0; s < call.segment_count; ++s) sums[s] = {};
    for (int b = 0; b < call.block_count; ++b) {
      const SegmentBlock& block = call.blocks[b];
      for (std::int64_t i = block.offset; i < block.offset + block.count; ++i) {
        const double a = call.w0[i], d = w1[i];
        sums[block.segment] += {a * d, a * a, d * d};
      }
    }
  }
}

}  // namespace rlnas
