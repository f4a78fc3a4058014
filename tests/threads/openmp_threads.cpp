// OpenMP's runtime, as far as the kernels and oneDNN use it, on std::threads. ThreadSanitizer does not know
// how GNU's own runtime makes threads wait for each other and would call all of it races; these it
// understands, so that what it reports of a parallel loop is one. Linked into the program, they come before
// libgomp's.
#include <omp.h>

#include <algorithm>
#include <barrier>
#include <thread>
#include <utility>
#include <vector>

namespace {

struct Team {
  explicit Team(int threads) : size(threads), barrier(threads) {}
  int size;
  std::barrier<> barrier;
};

thread_local Team* team = nullptr;
thread_local int own_number = 0;
thread_local int wanted_threads = 0;  // 0: not said

int default_threads() {
  return std::max(1, int(std::thread::hardware_concurrency()));
}

void run_member(Team& its_team, int number, void (*body)(void*), void* data) {
  Team* const outer = std::exchange(team, &its_team);
  const int outer_number = std::exchange(own_number, number);
  body(data);
  team = outer;
  own_number = outer_number;
}

}  // namespace

#define RLNAS_RUNTIME extern "C" __attribute__((visibility("default")))

RLNAS_RUNTIME int omp_get_thread_num() noexcept {
  return own_number;
}
RLNAS_RUNTIME int omp_get_num_threads() noexcept {
  return team == nullptr ? 1 : team->size;
}
RLNAS_RUNTIME int omp_get_max_threads() noexcept {
  return wanted_threads > 0 ? wanted_threads : default_threads();
}
RLNAS_RUNTIME void omp_set_num_threads(int threads) noexcept {
  wanted_threads = threads;
}
RLNAS_RUNTIME int omp_get_num_procs() noexcept {
  return default_threads();
}
RLNAS_RUNTIME int omp_in_parallel() noexcept {
  return team != nullptr && team->size > 1;
}

RLNAS_RUNTIME void GOMP_barrier() {
  if (team != nullptr) team->barrier.arrive_and_wait();
}
// A region within a region has one thread, as OpenMP's default is.
RLNAS_RUNTIME void GOMP_parallel(void (*body)(void*), void* data, unsigned threads, unsigned) {
  const int size = omp_in_parallel() != 0 ? 1 : threads > 0 ? int(threads) : omp_get_max_threads();
  Team own(size);
  std::vector<std::jthread> others;
  for (int number = 1; number < size; ++number)
    others.emplace_back([&own, number, body, data] { run_member(own, number, body, data); });
  run_member(own, 0, body, data);
}
