// Philox random numbers in bulk: the stream that engine/philox.h would draw from the same state, word for
// word.
//
// Launch: 256 threads, one generator block a thread: 4 words, stored as 16 bytes.
//
// Bytes: 4 a number. Flops: none; 20 wide multiplications (2 issue slots each) and 60 logic operations for 4
// numbers.
//
// Expected: 50-70 % of memory bandwidth on A100 and H100, by arithmetic, not measured (30 integer slots a
// number: 132 * 64 * 1.7 GHz / 30 = 0.48 T numbers/s of 0.84 T on an H100).
//
// Determinism: bit-equal, whatever the launch.
#pragma once

#include "kernels/cuda/flat.cuh"
#include "kernels/cuda/philox.h"

namespace rlnas {

// Calls write(first element, words, how many of the four) once a thread.
template <class Write>
__device__ __forceinline__ void draw_block(const PhiloxStream& stream, std::int64_t count,
                                           const Write& write) {
  const std::int64_t block = std::int64_t(blockIdx.x) * blockDim.x + threadIdx.x, at = block * 4;
  if (at >= count) return;
  std::array<std::uint32_t, 4> counter = stream.counter;
  counter[0] += std::uint32_t(block);
  write(at, philox4x32(counter, stream.key), count - at < 4 ? int(count - at) : 4);
}

// y [count]: the stream's raw words
__global__ void __launch_bounds__(kFlatThreads)
    philox_words_kernel(PhiloxStream stream, std::int64_t count, std::uint32_t* y) {
  draw_block(stream, count, [&](std::int64_t at, const std::array<std::uint32_t, 4>& words, int used) {
    if (used == 4) {
      *reinterpret_cast<uint4*>(y + at) = make_uint4(words[0], words[1], words[2], words[3]);
      return;
    }
    RLNAS_UNROLL
    for (int i = 0; i < 3; ++i)
      if (i < used) y[at + i] = words[std::size_t(i)];
  });
}

// y [count]: low + (high - low) * uniform over [0, 1)
__global__ void __launch_bounds__(kFlatThreads)
    philox_uniform_kernel(PhiloxStream stream, float low, float high, std::int64_t count, float* y) {
  draw_block(stream, count, [&](std::int64_t at, const std::array<std::uint32_t, 4>& words, int used) {
    Pack<4> values;
    RLNAS_UNROLL
    for (int i = 0; i < 4; ++i)
      values.value[i] = fmaf(high - low, philox_uniform(words[std::size_t(i)]), low);
    if (used == 4) return store_pack<4>(y + at, values);
    RLNAS_UNROLL
    for (int i = 0; i < 3; ++i)
      if (i < used) y[at + i] = values.value[i];
  });
}

// ---- on the host ----
// A stream's first word of the counter is its place: past 2^34 numbers it would come round.
inline void check_draw(std::size_t count, const void* to) {
  RLNAS_CHECK(count <= std::size_t(1) << 33, run_failed, "philox: ", count, " numbers from one stream");
  RLNAS_CHECK(vector_aligned({to}), run_failed, "philox: the destination is not a multiple of 16 bytes");
}

inline void launch_philox_words(const PhiloxStream& random, std::size_t count, std::uint32_t* y,
                                GpuStream stream) {
  check_draw(count, y);
  if (count == 0) return;
  launch("philox_words_kernel", philox_words_kernel, flat_shape("philox_words_kernel", count, 4), stream,
         random, std::int64_t(count), y);
}

inline void launch_philox_uniform(const PhiloxStream& random, float low, float high, std::size_t count,
                                  float* y, GpuStream stream) {
  check_draw(count, y);
  if (count == 0) return;
  launch("philox_uniform_kernel", philox_uniform_kernel, flat_shape("philox_uniform_kernel", count, 4),
         stream, random, low, high, std::int64_t(count), y);
}

}  // namespace rlnas
