// Loops over fixed blocks on a fixed number of threads.
//
// A block is the unit of both scheduling and rounding: what a block computes depends on its index alone, so
// the number of threads and who runs which block cannot be seen in a result. Threads take blocks as they come
// free: on a busy machine one that is held up delays a block, not half the work. The body must not throw.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rlnas {

// Calls body(block) for every block of 0..count-1; one block runs on the calling thread.
template <class Body>
void parallel_for(int threads, std::int64_t count, const Body& body) {
#pragma omp parallel for num_threads(threads) schedule(dynamic) if (count > 1 && threads > 1)
  for (std::int64_t block = 0; block < count; ++block) body(block);
}

// Calls body(begin, end) for consecutive ranges of `block` items that cover 0..count-1.
template <class Body>
void parallel_ranges(int threads, std::int64_t count, std::int64_t block, const Body& body) {
  parallel_for(threads, (count + block - 1) / block,
               [&](std::int64_t index) { body(index * block, std::min(count, (index + 1) * block)); });
}

// Items of `item_bytes` each that make about one block of work: enough to pay for waking a thread, small
// enough to stay in the second-level cache.
constexpr std::int64_t items_per_block(std::int64_t item_bytes) {
  constexpr std::int64_t kBlockBytes = 64 * 1024;
  return std::max<std::int64_t>(1, kBlockBytes / std::max<std::int64_t>(1, item_bytes));
}

}  // namespace rlnas
