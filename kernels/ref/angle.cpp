// The three sums of (w0, wT) per segment.
#include "kernels/ref/ref_backend.h"

namespace rlnas {

std::size_t RefBackend::angle_sums_workspace_bytes(int) const {
  return 0;
}

void RefBackend::angle_sums(const SegmentBlock* blocks, int block_count, int segment_count, const float* w0,
                            const float* w1, AngleSums* sums, Workspace) {
  for (int s = 0; s < segment_count; ++s) sums[s] = {};
  for (int b = 0; b < block_count; ++b)
    for (std::int64_t i = blocks[b].offset; i < blocks[b].offset + blocks[b].count; ++i) {
      const double a = w0[i], c = w1[i];
      sums[blocks[b].segment] += {a * c, a * a, c * c};
    }
}

}  // namespace rlnas
