// The three sums of (w0, w1) per segment: one pass over all buffers, summed in double lanes.
//
// A block of at most 8192 elements yields three doubles a checkpoint in the workspace, while its w0 stays in
// the cache; a segment adds its blocks up in table order. 4 bytes read an element and buffer, nothing written
// back: memory bandwidth is the limit. The machine's own prefetching stops at every 4 KiB and leaves half the
// bandwidth unused once arithmetic fills the out-of-order window, so lines are asked for ahead, across the
// ends of blocks.
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

// |w0|^2 is the same for every checkpoint: the first pass over a block takes it.
enum class Norm0 { take, leave };

template <Norm0 norm0>
AngleSums block_sums(const float* w0, const float* w1, int count) {
  constexpr bool kNorm0 = norm0 == Norm0::take;
  WideDouble dot[kVectors] = {}, norm0_sq[kVectors] = {}, norm1_sq[kVectors] = {};
  int i = 0;
  for (; i + kTurn <= count; i += kTurn) {
    if constexpr (kNorm0) prefetch_ahead(w0 + i);
    prefetch_ahead(w1 + i);
    for (int v = 0; v < kVectors; ++v) {
      const WideDouble a = load_doubles(w0 + i + v * kWideDoubles),
                       b = load_doubles(w1 + i + v * kWideDoubles);
      dot[v] += a * b;
      if constexpr (kNorm0) norm0_sq[v] += a * a;
      norm1_sq[v] += b * b;
    }
  }
  AngleSums sums{lane_sum(dot), lane_sum(norm0_sq), lane_sum(norm1_sq)};
  for (; i < count; ++i) {
    const double a = w0[i], b = w1[i];
    sums += {a * b, kNorm0 ? a * a : 0.0, b * b};
  }
  return sums;
}

// Those of two checkpoints, without |w0|^2: w0 is loaded and widened once for both.
void block_sums_of_two(const float* w0, const float* const (&w1)[2], int count, AngleSums (&sums)[2]) {
  WideDouble dot[2][kVectors] = {}, norm1_sq[2][kVectors] = {};
  int i = 0;
  for (; i + kTurn <= count; i += kTurn) {
    for (const float* const from : w1) prefetch_ahead(from + i);
    for (int v = 0; v < kVectors; ++v) {
      const WideDouble a = load_doubles(w0 + i + v * kWideDoubles);
      for (int c = 0; c < 2; ++c) {
        const WideDouble b = load_doubles(w1[c] + i + v * kWideDoubles);
        dot[c][v] += a * b;
        norm1_sq[c][v] += b * b;
      }
    }
  }
  for (int c = 0; c < 2; ++c) {
    sums[c] = {lane_sum(dot[c]), 0.0, lane_sum(norm1_sq[c])};
    for (int tail = i; tail < count; ++tail) {
      const double a = w0[tail], b = w1[c][tail];
      sums[c] += {a * b, 0.0, b * b};
    }
  }
}

}  // namespace

std::size_t CpuBackend::workspace_bytes(const TakeAngleSums& call) {
  return std::size_t(call.block_count) * std::size_t(call.checkpoint_count) * sizeof(AngleSums);
}

void CpuBackend::run(const TakeAngleSums& call, Workspace workspace) {
  check_checkpoints(call);
  check_workspace("angle sums", workspace, workspace_bytes(call));
  const int checkpoints = call.checkpoint_count;
  AngleSums* const partials = static_cast<AngleSums*>(workspace.data);  // [block_count, checkpoints]
  // Long tasks, for where one begins nothing has been asked for ahead, but several a thread.
  const std::int64_t blocks_per_task = std::clamp(call.block_count / (8 * threads_), 4, 64);
  parallel_ranges(threads_, call.block_count, blocks_per_task, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      const SegmentBlock& block = call.blocks[b];
      AngleSums* const of_block = partials + b * checkpoints;
      const float* const w0 = call.w0 + block.offset;
      of_block[0] = block_sums<Norm0::take>(w0, call.w1[0] + block.offset, block.count);
      int c = 1;  // w0 is in the cache by now
      for (; c + 2 <= checkpoints; c += 2) {
        const float* const w1[2] = {call.w1[std::size_t(c)] + block.offset,
                                    call.w1[std::size_t(c + 1)] + block.offset};
        AngleSums both[2];
        block_sums_of_two(w0, w1, block.count, both);
        for (int i = 0; i < 2; ++i) of_block[c + i] = both[i];
      }
      for (; c < checkpoints; ++c)
        of_block[c] = block_sums<Norm0::leave>(w0, call.w1[std::size_t(c)] + block.offset, block.count);
      for (c = 1; c < checkpoints; ++c) of_block[c].norm0_sq = of_block[0].norm0_sq;
    }
  });
  std::fill_n(call.sums, std::int64_t(call.segment_count) * checkpoints, AngleSums{});
  for (int b = 0; b < call.block_count; ++b)
    for (int c = 0; c < checkpoints; ++c)
      call.sums[std::int64_t(c) * call.segment_count + call.blocks[b].segment] +=
          partials[std::int64_t(b) * checkpoints + c];
}

}  // namespace rlnas
