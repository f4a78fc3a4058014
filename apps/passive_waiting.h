// GNU OpenMP's threads spin for a while when they have nothing to do. On a machine that has other work this
// makes a training step up to ten times slower, so the apps ask for passive waiting unless the user chose
// something. The library reads the choice when the process is loaded, hence the fresh start.
#pragma once

#include <unistd.h>

#include <cstdlib>

namespace rlnas {

inline void wait_passively(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  setenv("OMP_WAIT_POLICY", "passive", 1);
  execv("/proc/self/exe", argv);  // on failure: goes on spinning, with the same results
}

}  // namespace rlnas
