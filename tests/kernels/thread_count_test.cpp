// The CPU backend against itself on other numbers of threads. Also what ThreadSanitizer watches
// (tests/threads).
#include <doctest/doctest.h>

#include "tests/kernels/compare_backends.h"

namespace rlnas::test {
namespace {

void check_bits_on_any_thread_count(const Case& test, ConvAlgorithm algorithm) {
  CAPTURE(test.name);
  const auto one = make_cpu_backend({.threads = 1, .conv_algorithm = algorithm});
  const std::vector<Output> expected = run_case(test, *one);
  for (const int threads : {2, 3, 1}) {
    CAPTURE(threads);
    const auto other = make_cpu_backend({.threads = threads, .conv_algorithm = algorithm});
    const std::vector<Output> got = run_case(test, *other);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(got[i].name);
      CHECK(got[i].bytes == expected[i].bytes);
    }
  }
}

}  // namespace

TEST_CASE("every primitive is bit-equal on 1, 2 and 3 threads, and from run to run") {
  for (const Case& test : all_cases()) check_bits_on_any_thread_count(test, ConvAlgorithm::direct);
}

TEST_CASE("Winograd convolutions are bit-equal on 1, 2 and 3 threads, and from run to run") {
  for (const Case& test : conv_cases()) check_bits_on_any_thread_count(test, ConvAlgorithm::winograd);
}

}  // namespace rlnas::test
