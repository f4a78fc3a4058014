// The loops of the CPU backend run on as many threads as they are told.
#include "kernels/cpu/parallel.h"

#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <thread>

#include "kernels/backend.h"
#include "tests/support/errors.h"

namespace rlnas::test {

TEST_CASE("a loop of as many blocks runs on all threads asked for, and a machine's cores do not limit it") {
  constexpr int kThreads = 100;
  std::atomic<int> arrived{0};
  std::vector<int> thread(kThreads, -1);
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  parallel_for(kThreads, kThreads, [&](std::int64_t block) {
    thread[std::size_t(block)] = omp_get_thread_num();
    ++arrived;
    // Nobody takes a second block before everybody has one.
    while (arrived < kThreads && std::chrono::steady_clock::now() < limit)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  CHECK(std::set<int>(thread.begin(), thread.end()).size() == std::size_t(kThreads));
}

TEST_CASE("the description of the CPU backend says the threads that run, and more than can run are refused") {
  CHECK(contains(make_cpu_backend({.threads = 1024})->description(), "cpu: 1024 threads"));
  CHECK(contains(error_of(ErrorCode::usage, [] { make_cpu_backend({.threads = 1025}); }), "--threads 1025"));
}

}  // namespace rlnas::test
