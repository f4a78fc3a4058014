// What runs on a real CUDA device, for the day that there is one. Every case says that it is skipped where
// there is none. The same sources are linked twice: device_test with the CUDA backend, and
// device_rehearsal_test with the simulated device (tests/simulator), so that they are known to be right
// before a device is. What differs is how much is run: scale.h.
#pragma once

#include <string>

#include "tests/support/skip.h"

namespace rlnas::test {

struct DevicesHere {
  int count = 0;
  std::string missing;  // why none can be used
};
const DevicesHere& devices_here();

}  // namespace rlnas::test

#define RLNAS_NEEDS_DEVICES(needed)                                                                  \
  do {                                                                                               \
    const rlnas::test::DevicesHere& here = rlnas::test::devices_here();                              \
    if (here.count == 0) RLNAS_SKIP_TEST("no CUDA device: " << here.missing);                        \
    if (here.count < (needed)) RLNAS_SKIP_TEST("needs " << (needed) << " CUDA devices, there is 1"); \
  } while (false)
