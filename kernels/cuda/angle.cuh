// The three sums of (w0, w1) per segment.
//
// First kernel: each thread takes 16-byte vectors 256 apart, sums in `Partial`, and a fixed tree makes one
// triple a block. Second kernel: of the blocks, one for each entry of the table, all but the first of a
// segment end at once; it finds the segment's end by bisection and adds the triples up in double by a fixed
// tree. Segments may have 0 to 10^8 elements and more.
//
// Partial = float is the cheaper sum, good to about 1e-7 of the norms; double is exact to 1e-15. Both are
// bound by memory: double asks 2 conversions and 3 FMAs an element, at 3.35 TB/s 0.84 T and 1.3 T a second,
// of the 3.6 T and 17 T of an H100 (A100: 0.4 T and 0.6 T of 2.4 T and 4.9 T). So the backend sums in double;
// bench/cuda/angle_variants.cu times the other types beside it.
//
// Launch: one block of 256 threads a SegmentBlock (8192 elements: 8 vectors a thread and buffer).
//
// Bytes: 8 an element, half of that in bfloat16. Flops: 6 an element.
//
// Expected: 90 % of memory bandwidth for 64 MiB and more on A100 and H100, by arithmetic, not measured (four
// loads of 16 bytes a thread from each buffer under way, 1280 threads a multiprocessor: 160 KiB); below 1 MiB
// three launches' latency, 10 us.
//
// Determinism: no atomics; bit-equal from run to run.
#pragma once

#include "kernels/cuda/bf16.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/spec_checks.h"

namespace rlnas {

inline constexpr int kAngleThreads = 256;

template <class Partial>
struct AngleTriple {
  Partial dot = 0, norm0_sq = 0, norm1_sq = 0;

  __device__ __forceinline__ void add(Partial a, Partial b) {
    dot += a * b;
    norm0_sq += a * a;
    norm1_sq += b * b;
  }
};

template <class Partial>
__device__ __forceinline__ AngleTriple<Partial> block_sum(AngleTriple<Partial> triple,
                                                          SharedPointer<Partial> scratch) {
  triple.dot = block_sum<kAngleThreads, Partial>(triple.dot, scratch);
  triple.norm0_sq = block_sum<kAngleThreads, Partial>(triple.norm0_sq, scratch);
  triple.norm1_sq = block_sum<kAngleThreads, Partial>(triple.norm1_sq, scratch);
  return triple;
}

// -> partials [block]
template <class Weight, class Partial>
__global__ void __launch_bounds__(kAngleThreads)
    angle_partials_kernel(const Weight* w0, const Weight* w1, const SegmentBlock* blocks,
                          AngleTriple<Partial>* partials) {
  RLNAS_SHARED(Partial, scratch, kAngleThreads / kWarp);
  constexpr int kWidth = int(kVectorBytes / sizeof(Weight));
  const SegmentBlock block = blocks[blockIdx.x];
  w0 += block.offset;
  w1 += block.offset;
  const bool aligned =
      (reinterpret_cast<std::uintptr_t>(w0) | reinterpret_cast<std::uintptr_t>(w1)) % kVectorBytes == 0;
  const int vectors = aligned ? block.count / kWidth * kWidth : 0;
  AngleTriple<Partial> sums;
  for (int i = int(threadIdx.x) * kWidth; i < vectors; i += kAngleThreads * kWidth) {
    const Pack<kWidth> a = load_vector(w0 + i), c = load_vector(w1 + i);
    for (int j = 0; j < kWidth; ++j) sums.add(Partial(a.value[j]), Partial(c.value[j]));
  }
  for (int i = vectors + int(threadIdx.x); i < block.count; i += kAngleThreads)
    sums.add(Partial(to_float(w0[i])), Partial(to_float(w1[i])));
  sums = block_sum(sums, scratch);
  if (threadIdx.x == 0) partials[blockIdx.x] = sums;
}

// sums [count] <- 0
__global__ void __launch_bounds__(kAngleThreads)
    clear_angle_sums_kernel(std::int64_t count, AngleSums* sums) {
  const std::int64_t at = std::int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at < count) sums[at] = AngleSums{};
}

// One block for each entry of the table. partials [block] -> sums [segment]
template <class Partial>
__global__ void __launch_bounds__(kAngleThreads)
    angle_segments_kernel(const SegmentBlock* blocks, int block_count, const AngleTriple<Partial>* partials,
                          AngleSums* sums) {
  RLNAS_SHARED(double, scratch, kAngleThreads / kWarp);
  const int first = int(blockIdx.x), segment = blocks[first].segment;
  if (first > 0 && blocks[first - 1].segment == segment) return;
  int inside = first, outside = block_count;  // blocks of a segment are adjacent: bisection finds the last
  while (outside - inside > 1) {
    const int middle = inside + (outside - inside) / 2;
    (blocks[middle].segment == segment ? inside : outside) = middle;
  }
  AngleTriple<double> total;
  for (int b = first + int(threadIdx.x); b <= inside; b += kAngleThreads) {
    total.dot += double(partials[b].dot);
    total.norm0_sq += double(partials[b].norm0_sq);
    total.norm1_sq += double(partials[b].norm1_sq);
  }
  total = block_sum(total, scratch);
  if (threadIdx.x != 0) return;
  AngleSums& out = sums[segment];
  out.dot = total.dot;
  out.norm0_sq = total.norm0_sq;
  out.norm1_sq = total.norm1_sq;
}

// ---- on the host ----
template <class Partial>
std::size_t angle_scratch_bytes(int block_count) {
  return std::size_t(block_count) * sizeof(AngleTriple<Partial>);
}

// -> sums [segment_count], 0 where a segment has no block. Blocks of a segment are adjacent.
template <class Partial, class Weight>
void launch_angle_sums(const Weight* w0, const Weight* w1, const SegmentBlock* blocks, int block_count,
                       int segment_count, AngleSums* sums, Workspace workspace, GpuStream stream) {
  check_workspace("angle sums", workspace, angle_scratch_bytes<Partial>(block_count));
  AngleTriple<Partial>* const partials = static_cast<AngleTriple<Partial>*>(workspace.data);
  const unsigned threads = unsigned(kAngleThreads), segments = unsigned(segment_count);
  if (segments > 0)
    launch("clear_angle_sums_kernel", clear_angle_sums_kernel,
           {{grid_blocks("clear_angle_sums_kernel", segments, kAngleThreads)},
            {threads},
            Cooperation::independent},
           stream, std::int64_t(segments), sums);
  if (block_count == 0) return;
  launch("angle_partials_kernel", angle_partials_kernel<Weight, Partial>,
         {{unsigned(block_count)}, {threads}, Cooperation::block}, stream, w0, w1, blocks, partials);
  launch("angle_segments_kernel", angle_segments_kernel<Partial>,
         {{unsigned(block_count)}, {threads}, Cooperation::block}, stream, blocks, block_count, partials,
         sums);
}

}  // namespace rlnas
