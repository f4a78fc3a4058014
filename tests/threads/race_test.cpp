// That ThreadSanitizer sees races in a parallel loop, in this build: one is planted. It runs in a child
// process, which is this program with the skipped case below.
#include <doctest/doctest.h>

#include <vector>

#include "kernels/cpu/parallel.h"
#include "tests/support/child_process.h"
#include "tests/support/errors.h"

namespace rlnas::test {
namespace {

// Every block adds to the same sum, or to its own.
long sum_of_blocks(bool shared) {
  std::vector<long> sums(8, 0);
  parallel_for(2, 8, [&](std::int64_t block) {
    for (int i = 0; i < 1000; ++i) sums[shared ? 0 : std::size_t(block)] += 1;
  });
  long sum = 0;
  for (const long part : sums) sum += part;
  return sum;
}

}  // namespace

TEST_CASE("planted: a sum that all blocks add to" * doctest::skip()) {
  sum_of_blocks(true);
}

TEST_CASE("a race in a parallel loop is seen, and a loop without one is not called one") {
  CHECK(sum_of_blocks(false) == 8000);
  const TemporaryDirectory directory;
  const Outcome outcome =
      ChildProcess(directory, {"/proc/self/exe", "--no-skip", "-tc=planted: a sum that all blocks add to"})
          .wait();
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code != 0);
  CHECK(contains(outcome.err, "ThreadSanitizer: data race"));
  CHECK(contains(outcome.err, "sum_of_blocks"));
}

}  // namespace rlnas::test
