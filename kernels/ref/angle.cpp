// The three sums of (w0, wT) per segment.
#include "kernels/ref/ref_backend.h"

namespace rlnas {

void RefBackend::run(const TakeAngleSums& call, Workspace) {
  const auto& [blocks, block_count, segment_count, w0, w1, sums] = call;
  for (int s = 0; s < segment_count; ++s) sums[s] = {};
  for (int b = 0; b < block_count; ++b)
    for (std::int64_t i = blocks[b].offset; i < blocks[b].offset + blocks[b].count; ++i) {
      const double a = w0[i], c = w1[i];
      sums[blocks[b].segment] += {a * c, a * a, c * c};
    }
}

}  // namespace rlnas
