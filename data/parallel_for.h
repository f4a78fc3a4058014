// An index range shared out over threads, for work whose result does not depend on who does it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/interruption.h"

namespace rlnas {

// Calls body(i) for every i < count on `threads` threads (0: as many as the machine has) and waits for all.
// what: of a loop that may take long and says how far it is; null: it does not. Errors: the first exception
// of a body is rethrown here, after all threads have stopped; Interrupted.
template <class Body>
void parallel_for(int threads, std::size_t count, const char* what, const Body& body) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr error;
  std::mutex error_mutex;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < count; i = next++) {
        check_interruption({what, i, count});
        body(i);
      }
    } catch (...) {
      const std::lock_guard lock(error_mutex);
      if (!error) error = std::current_exception();
      next = count;
    }
  };
  const std::size_t wanted = threads > 0 ? std::size_t(threads) : std::thread::hardware_concurrency();
  const std::size_t workers = std::min(std::max<std::size_t>(wanted, 1), count);
  {
    std::vector<std::jthread> pool;
    for (std::size_t i = 1; i < workers; ++i) pool.emplace_back(work);
    work();
  }
  if (error) std::rethrow_exception(error);
}
template <class Body>
void parallel_for(int threads, std::size_t count, const Body& body) {
  parallel_for(threads, count, nullptr, body);
}

}  // namespace rlnas
