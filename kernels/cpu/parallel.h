// Loops over fixed blocks on a fixed number of threads.
//
// A block is the unit of both scheduling and rounding: what a block computes depends on its index alone, so
// the number of threads and who runs which block cannot be seen in a result. Each thread starts on its own
// contiguous share, the same part of a tensor in every loop, and loops run up and down in turn: what a loop
// touched last is still in the thread's second-level cache when the next begins there. A thread that has done
// with its share takes blocks from the others, so one that is held up on a busy machine delays a block, not
// half the work. The body must not throw.
#pragma once

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <vector>

namespace rlnas {

namespace parallel_detail {

// The blocks [begin, end) that one thread takes first; others help when they have done with theirs.
struct alignas(64) Lane {
  std::int64_t begin = 0, end = 0;
  std::atomic<std::int64_t> taken{0};
};

// Turns with every loop.
inline bool next_direction() {
  thread_local bool forward = false;
  return forward = !forward;
}

}  // namespace parallel_detail

// Calls body(block) for every block of 0..count-1; the calling thread takes part.
template <class Body>
void parallel_for(int threads, std::int64_t count, const Body& body) {
  const bool forward = parallel_detail::next_direction();
  const int lanes = int(std::min<std::int64_t>(threads, count));
  if (lanes <= 1) {
    for (std::int64_t i = 0; i < count; ++i) body(forward ? i : count - 1 - i);
    return;
  }
  std::vector<parallel_detail::Lane> lane{std::size_t(lanes)};
  for (int t = 0; t < lanes; ++t) {
    lane[std::size_t(t)].begin = count * t / lanes;
    lane[std::size_t(t)].end = count * (t + 1) / lanes;
  }
#pragma omp parallel num_threads(lanes)
  for (int k = 0; k < lanes; ++k) {
    parallel_detail::Lane& from = lane[std::size_t((omp_get_thread_num() + k) % lanes)];
    const std::int64_t size = from.end - from.begin;
    for (std::int64_t i; (i = from.taken.fetch_add(1, std::memory_order_relaxed)) < size;)
      body(forward ? from.begin + i : from.end - 1 - i);
  }
}

// Calls body(thread, block) for every block of 0..count-1. The body may throw: the rest is run, then the
// error of the lowest thread is thrown.
template <class Body>
void parallel_try(int threads, std::int64_t count, const Body& body) {
  std::vector<std::exception_ptr> errors(std::size_t(threads), nullptr);
  parallel_for(threads, count, [&](std::int64_t block) {
    const int thread = omp_get_thread_num();
    try {
      body(thread, block);
    } catch (...) {
      errors[std::size_t(thread)] = std::current_exception();
    }
  });
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
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
