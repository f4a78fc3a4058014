// The three sums of (w0, wT) per segment: one pass over both buffers, summed in double lanes.
//
// A block of at most 8192 elements yields three doubles in the workspace; a segment adds its blocks up in
// table order. 8 bytes read an element, nothing written back: memory bandwidth is the limit.
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vec.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

using Float4 = float __attribute__((vector_size(16)));

Double4 load_double4(const float* from) {
  Float4 value;
  std::memcpy(&value, from, sizeof(value));
  return __builtin_convertvector(value, Double4);
}

AngleSums block_sums(const float* w0, const float* w1, int count) {
  Double4 dot[2] = {}, norm0[2] = {}, norm1[2] = {};
  int i = 0;
  for (; i + 8 <= count; i += 8)
    for (int half = 0; half < 2; ++half) {
      const Double4 a = load_double4(w0 + i + 4 * half), b = load_double4(w1 + i + 4 * half);
      dot[half] += a * b;
      norm0[half] += a * a;
      norm1[half] += b * b;
    }
  AngleSums sums{lane_sum(dot[0] + dot[1]), lane_sum(norm0[0] + norm0[1]), lane_sum(norm1[0] + norm1[1])};
  for (; i < count; ++i) {
    const double a = w0[i], b = w1[i];
    sums += {a * b, a * a, b * b};
  }
  return sums;
}

}  // namespace

std::size_t CpuBackend::angle_sums_workspace_bytes(int block_count) const {
  return std::size_t(block_count) * sizeof(AngleSums);
}

void CpuBackend::angle_sums(const SegmentBlock* blocks, int block_count, int segment_count, const float* w0,
                            const float* w1, AngleSums* sums, Workspace workspace) {
  check_workspace("angle sums", workspace, angle_sums_workspace_bytes(block_count));
  AngleSums* const partials = static_cast<AngleSums*>(workspace.data);
  constexpr std::int64_t kBlocksPerTask = 4;
  parallel_ranges(threads_, block_count, kBlocksPerTask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b)
      partials[b] = block_sums(w0 + blocks[b].offset, w1 + blocks[b].offset, blocks[b].count);
  });
  std::fill_n(sums, segment_count, AngleSums{});
  for (int b = 0; b < block_count; ++b) sums[blocks[b].segment] += partials[b];
}

}  // namespace rlnas
