// GNU OpenMP's threads spin for a while when they have nothing to do. On a machine that has other work this
// makes a training step up to ten times slower, so the apps ask for a short spin unless the user chose
// something. The library reads the choice when the process is loaded, hence the fresh start.
#pragma once

#include <unistd.h>

#include <cstdlib>

namespace rlnas {

// Turns of the spin loop before a thread sleeps: about a millisecond. With less, threads sleep between loops
// and the kernel may leave two of them on one core.
inline constexpr const char* kSpinCount = "20000";

inline void wait_passively(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  setenv("GOMP_SPINCOUNT", kSpinCount, 1);
  execv("/proc/self/exe", argv);  // on failure: goes on spinning, with the same results
}

}  // namespace rlnas
