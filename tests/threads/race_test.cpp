// That ThreadSanitizer sees races in a parallel loop, in this build: one is planted. It runs in a child
// process, which is this program with the skipped case below.
#include <doctest/doctest.h>

#include <thread>

#include "kernels/cpu/parallel.h"
#include "tests/support/child_process.h"
#include "tests/support/errors.h"

namespace rlnas::test {
namespace {

// Two blocks, each on a thread of its own, add to one sum or to two. That they meet first orders nothing.
// They add many times, since ThreadSanitizer can miss two accesses in the very same instant.
long sum_of_blocks(bool shared) {
  constexpr int additions = 1000;
  std::array<long, 2> sums{};
  std::atomic<int> arrived{0};
  parallel_for(2, 2, [&](std::int64_t block) {
    arrived.fetch_add(1, std::memory_order_relaxed);
    while (arrived.load(std::memory_order_relaxed) < 2) std::this_thread::yield();
    for (int i = 0; i < additions; ++i) {
      sums[shared ? 0 : std::size_t(block)] += block + 1;
      std::this_thread::yield();
    }
  });
  return (sums[0] + sums[1]) / additions;
}

}  // namespace

TEST_CASE("planted: a sum that both blocks add to" * doctest::skip()) {
  sum_of_blocks(true);
}

TEST_CASE("a race in a parallel loop is seen, and a loop without one is not called one") {
  CHECK(sum_of_blocks(false) == 3);
  const TemporaryDirectory directory;
  const Outcome outcome =
      ChildProcess(directory, {"/proc/self/exe", "--no-skip", "-tc=planted: a sum that both blocks add to"})
          .wait();
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code != 0);
  CHECK(contains(outcome.err, "ThreadSanitizer: data race"));
  CHECK(contains(outcome.err, "sum_of_blocks"));
}

}  // namespace rlnas::test
