// The three sums of (w0, wT) per segment: one pass over both buffers, summed in double lanes.
//
// A block of at most 8192 elements yields three doubles in the workspace; a segment adds its blocks up in
// table order. 8 bytes read an element, nothing written back: memory bandwidth is the limit. The machine's
// own prefetching stops at every 4 KiB and leaves half the bandwidth unused once arithmetic fills the
// out-of-order window, so lines are asked for ahead, across the ends of blocks.
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vec.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

// A turn of the loop takes one cache line of each buffer; element i of a block goes to partial sum i % 16.
constexpr int kTurn = 64 / int(sizeof(float));
constexpr int kVectors = kTurn / kWideDoubles;
constexpr std::uintptr_t kPrefetchBytes = 8192;

// The line that far ahead. An integer, for past the end of the buffer this is no pointer, only a hint.
inline void prefetch_ahead(const float* from) {
  __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(from) + kPrefetchBytes));
}

AngleSums block_sums(const float* w0, const float* w1, int count) {
  WideDouble dot[kVectors] = {}, norm0[kVectors] = {}, norm1[kVectors] = {};
  int i = 0;
  for (; i + kTurn <= count; i += kTurn) {
    prefetch_ahead(w0 + i);
    prefetch_ahead(w1 + i);
    for (int v = 0; v < kVectors; ++v) {
      const WideDouble a = load_doubles(w0 + i + v * kWideDoubles),
                       b = load_doubles(w1 + i + v * kWideDoubles);
      dot[v] += a * b;
      norm0[v] += a * a;
      norm1[v] += b * b;
    }
  }
  AngleSums sums{lane_sum(dot), lane_sum(norm0), lane_sum(norm1)};
  for (; i < count; ++i) {
    const double a = w0[i], b = w1[i];
    sums += {a * b, a * a, b * b};
  }
  return sums;
}

}  // namespace

std::size_t CpuBackend::workspace_bytes(const TakeAngleSums& call) {
  return std::size_t(call.block_count) * sizeof(AngleSums);
}

void CpuBackend::run(const TakeAngleSums& call, Workspace workspace) {
  const auto& [blocks, block_count, segment_count, w0, w1, sums] = call;
  check_workspace("angle sums", workspace, workspace_bytes(call));
  AngleSums* const partials = static_cast<AngleSums*>(workspace.data);
  // Long tasks, for where one begins nothing has been asked for ahead, but several a thread.
  const std::int64_t blocks_per_task = std::clamp(block_count / (8 * threads_), 4, 64);
  parallel_ranges(threads_, block_count, blocks_per_task, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b)
      partials[b] = block_sums(w0 + blocks[b].offset, w1 + blocks[b].offset, blocks[b].count);
  });
  std::fill_n(sums, segment_count, AngleSums{});
  for (int b = 0; b < block_count; ++b) sums[blocks[b].segment] += partials[b];
}

}  // namespace rlnas
