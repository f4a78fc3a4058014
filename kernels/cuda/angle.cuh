// The three sums of (w0, w1) per segment, of one w0 and up to 16 w1.
//
// First kernel: a warp takes a piece of 1024 elements, its w0 in registers, and goes through the checkpoints;
// shuffles make two sums of each, and |w0|^2 once. The block then adds up the eight pieces of its group: a
// segment that begins and ends in it is done, of the others a partial sum is left. Second kernel, only where
// a segment has more than one group: a block for each of those and each checkpoint adds up its groups. Which
// is which the host knows beforehand (kernels/angle_pieces.h): no block is empty, nothing is looked for.
//
// Partial = float is the cheaper sum, good to about 1e-7 of the norms; double is exact to 1e-15. Both are
// bound by memory: with one checkpoint double asks 2 conversions and 3 FMAs for 8 bytes, with many 2 and 2
// for 4: at 3.35 TB/s 1.7 T conversions and 1.7 T FMAs a second, of the 3.7 T and 17 T of an H100. So the
// backend sums in double; bench/cuda/angle_variants.cu times the other types beside it.
//
// Launch: one block of 256 threads a group (8192 elements); then one for each span and checkpoint.
//
// Bytes: 4 an element and buffer, half of that in bfloat16. Flops: 2 an element, 4 for each checkpoint.
//
// Expected: 90 % of memory bandwidth for 64 MiB and more on A100 and H100, by arithmetic, not measured (eight
// loads of 16 bytes a thread under way, 512 threads a multiprocessor: 64 KiB); below 1 MiB two launches'
// latency, 6 us.
//
// Determinism: no atomics; bit-equal from run to run, on every GPU, and for a checkpoint alone or with
// others.
#pragma once

#include "kernels/cuda/bf16.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/spec_checks.h"

namespace rlnas {

inline constexpr int kAngleThreads = AnglePieces::kGroupPieces * kWarp;
inline constexpr int kMaxAngleQuantities = 1 + 2 * TakeAngleSums::kMaxCheckpoints;

// What a group sums up: |w0|^2, then dot and |w1|^2 of each checkpoint.
__host__ __device__ constexpr int angle_quantities(int checkpoints) {
  return 1 + 2 * checkpoints;
}

template <class Weight>
struct AngleCheckpoints {
  const Weight* at[TakeAngleSums::kMaxCheckpoints];
  int count;
};

// Partial sums [quantity, slot, group]. A group leaves at most two unfinished segments: one that came from
// the groups before (slot 0) and one that goes on into the next (slot 1).
template <class Partial>
struct AnglePartials {
  Partial* data;
  int groups;

  __host__ __device__ Partial* at(int quantity, int slot, int group) const {
    return data + (std::int64_t(quantity) * 2 + slot) * groups + group;
  }
};

// A lane's share of a piece, zeros where it ends early: the same elements whatever the alignment.
template <class Weight>
struct LaneShare {
  static constexpr int kWidth = int(kVectorBytes / sizeof(Weight));
  static constexpr int kVectors = AnglePieces::kPieceElements / (kWarp * kWidth);
  Pack<kWidth> vectors[kVectors];
};

template <class Weight>
__device__ __forceinline__ LaneShare<Weight> load_share(const Weight* piece, int count) {
  using Share = LaneShare<Weight>;
  constexpr int kWidth = Share::kWidth;
  Share share;
  const int lane = int(threadIdx.x) % kWarp;
  const bool aligned = reinterpret_cast<std::uintptr_t>(piece) % kVectorBytes == 0;
  if (aligned && count == AnglePieces::kPieceElements) {
    RLNAS_UNROLL
    for (int v = 0; v < Share::kVectors; ++v)
      share.vectors[v] = load_pack_once<kWidth>(piece + (v * kWarp + lane) * kWidth);
    return share;
  }
  RLNAS_UNROLL
  for (int v = 0; v < Share::kVectors; ++v) {
    const int first = (v * kWarp + lane) * kWidth;
    if (aligned && first + kWidth <= count) {
      share.vectors[v] = load_pack_once<kWidth>(piece + first);
    } else {
      RLNAS_UNROLL
      for (int j = 0; j < kWidth; ++j)
        share.vectors[v].value[j] = first + j < count ? to_float(piece[first + j]) : 0.0f;
    }
  }
  return share;
}

template <class Weight, class Partial>
struct LaneSums {
  Partial dot = 0, norm1_sq = 0;

  __device__ __forceinline__ void add(const LaneShare<Weight>& w0, const LaneShare<Weight>& w1) {
    RLNAS_UNROLL
    for (int v = 0; v < LaneShare<Weight>::kVectors; ++v) {
      RLNAS_UNROLL
      for (int j = 0; j < LaneShare<Weight>::kWidth; ++j) {
        const Partial a = Partial(w0.vectors[v].value[j]), b = Partial(w1.vectors[v].value[j]);
        dot += a * b;
        norm1_sq += b * b;
      }
    }
  }
};

// The sum of a finished segment, into every place that it belongs to.
__device__ __forceinline__ void store_angle_sum(AngleSums* sums, int segment_count, int checkpoints,
                                                int segment, int quantity, double value) {
  if (quantity == 0) {
    for (int c = 0; c < checkpoints; ++c) sums[std::int64_t(c) * segment_count + segment].norm0_sq = value;
    return;
  }
  AngleSums& to = sums[std::int64_t((quantity - 1) / 2) * segment_count + segment];
  (quantity % 2 == 1 ? to.dot : to.norm1_sq) = value;
}

// One quantity of a group, piece by piece: `sums_of_pieces` [kGroupPieces].
template <class Partial>
__device__ __forceinline__ void finish_angle_group(const AnglePieces& table, int segment_count,
                                                   int checkpoints, int quantity,
                                                   SharedPointer<Partial> sums_of_pieces,
                                                   const AnglePartials<Partial>& partials, AngleSums* sums) {
  const int group = int(blockIdx.x), first = group * AnglePieces::kGroupPieces;
  const int end = first + AnglePieces::kGroupPieces < table.piece_count ? first + AnglePieces::kGroupPieces
                                                                        : table.piece_count;
  const int before = first > 0 ? table.pieces[first - 1].segment : -1;
  Partial sum = 0;
  for (int piece = first; piece < end; ++piece) {
    const int segment = table.pieces[piece].segment;
    sum += Partial(sums_of_pieces[piece - first]);
    const bool goes_on = piece + 1 < table.piece_count && table.pieces[piece + 1].segment == segment;
    if (goes_on && piece + 1 < end) continue;
    if (goes_on || segment == before)
      *partials.at(quantity, segment == before ? 0 : 1, group) = sum;
    else
      store_angle_sum(sums, segment_count, checkpoints, segment, quantity, double(sum));
    sum = 0;
  }
}

// Two blocks a multiprocessor: 128 registers a thread, enough for both shares and their sums.
template <class Weight, class Partial>
__global__ void __launch_bounds__(kAngleThreads, 2)
    angle_groups_kernel(const Weight* w0, AngleCheckpoints<Weight> w1, AnglePieces table, int segment_count,
                        AnglePartials<Partial> partials, AngleSums* sums) {
  RLNAS_SHARED(Partial, scratch, kMaxAngleQuantities * AnglePieces::kGroupPieces);
  constexpr int kPieces = AnglePieces::kGroupPieces;
  const int warp = int(threadIdx.x) / kWarp, lane = int(threadIdx.x) % kWarp;
  const int index = int(blockIdx.x) * kPieces + warp;
  const SegmentBlock piece = index < table.piece_count ? table.pieces[index] : SegmentBlock{};
  const LaneShare<Weight> before = load_share(w0 + piece.offset, piece.count);
  for (int c = 0; c < w1.count; ++c) {
    const LaneShare<Weight> after = load_share(w1.at[c] + piece.offset, piece.count);
    LaneSums<Weight, Partial> lane_sums;
    lane_sums.add(before, after);
    const Partial dot = warp_sum(lane_sums.dot), norm1_sq = warp_sum(lane_sums.norm1_sq);
    if (lane == 0) {
      scratch[(1 + 2 * c) * kPieces + warp] = dot;
      scratch[(2 + 2 * c) * kPieces + warp] = norm1_sq;
    }
  }
  LaneSums<Weight, Partial> own;
  own.add(before, before);
  const Partial norm0_sq = warp_sum(own.norm1_sq);
  if (lane == 0) scratch[warp] = norm0_sq;
  __syncthreads();
  if (int(threadIdx.x) < angle_quantities(w1.count))
    finish_angle_group<Partial>(table, segment_count, w1.count, int(threadIdx.x),
                                scratch + int(threadIdx.x) * kPieces, partials, sums);
}

// Grid: span x checkpoint.
template <class Partial>
__global__ void __launch_bounds__(kAngleThreads)
    angle_spans_kernel(AnglePieces table, int segment_count, AnglePartials<Partial> partials,
                       AngleSums* sums) {
  RLNAS_SHARED(double, scratch, 3 * kAngleThreads / kWarp);
  const AngleSpan span = table.spans[blockIdx.x];
  const int checkpoint = int(blockIdx.y);
  double total[3] = {0.0, 0.0, 0.0};  // dot, |w0|^2, |w1|^2
  for (int g = int(threadIdx.x); g < span.group_count; g += kAngleThreads) {
    const int slot = g == 0 ? 1 : 0, group = span.first_group + g;
    total[0] += double(*partials.at(1 + 2 * checkpoint, slot, group));
    total[1] += double(*partials.at(0, slot, group));
    total[2] += double(*partials.at(2 + 2 * checkpoint, slot, group));
  }
  block_sums<kAngleThreads>(total, scratch);
  if (threadIdx.x == 0)
    sums[std::int64_t(checkpoint) * segment_count + span.segment] = {total[0], total[1], total[2]};
}

// ---- on the host ----
template <class Partial>
std::size_t angle_scratch_bytes(const AnglePieces& table, int checkpoints) {
  return std::size_t(table.group_count()) * 2 * std::size_t(angle_quantities(checkpoints)) * sizeof(Partial);
}

// -> sums [checkpoint, segment]
template <class Partial, class Weight>
void launch_angle_sums(const Weight* w0, const AngleCheckpoints<Weight>& w1, const AnglePieces& table,
                       int segment_count, AngleSums* sums, Workspace workspace, GpuStream stream) {
  RLNAS_CHECK(segment_count == 0 || table.piece_count >= segment_count, run_failed,
              "angle sums: ", table.piece_count, " pieces for ", segment_count, " segments");
  check_workspace("angle sums", workspace, angle_scratch_bytes<Partial>(table, w1.count));
  if (table.piece_count == 0) return;
  const AnglePartials<Partial> partials{static_cast<Partial*>(workspace.data), table.group_count()};
  const unsigned threads = unsigned(kAngleThreads), checkpoints = unsigned(w1.count);
  const std::size_t most = std::size_t(table.piece_count) * AnglePieces::kPieceElements;
  const std::size_t buffers = 1 + std::size_t(w1.count);
  const std::uint64_t partial_bytes = angle_scratch_bytes<Partial>(table, w1.count);
  launch("angle_groups_kernel", angle_groups_kernel<Weight, Partial>,
         LaunchShape{{unsigned(table.group_count())}, {threads}, Cooperation::block}.costing(
             {most * buffers * sizeof(Weight), partial_bytes, 2 * most * (2 * buffers - 1)}),
         stream, w0, w1, table, segment_count, partials, sums);
  if (table.span_count == 0) return;
  launch("angle_spans_kernel", angle_spans_kernel<Partial>,
         LaunchShape{{unsigned(table.span_count), checkpoints}, {threads}, Cooperation::block}.costing(
             {partial_bytes, std::size_t(table.span_count) * checkpoints * sizeof(AngleSums)}),
         stream, table, segment_count, partials, sums);
}

}  // namespace rlnas
