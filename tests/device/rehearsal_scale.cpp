#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

#include "tests/device/scale.h"

namespace rlnas::test {
namespace {

// Before main(): what the simulated machine is like, and the driver that cuDNN compiles some plans with.
[[maybe_unused]] const bool prepared = [] {
  setenv("SIMULATED_GPU", "devices=2", 0);
  if (dlopen(RLNAS_STUB_DRIVER, RTLD_NOW | RTLD_GLOBAL) == nullptr) std::fprintf(stderr, "%s\n", dlerror());
  return true;
}();

}  // namespace

const DeviceScale& device_scale() {
  static const DeviceScale scale{Cases::one_of_each_kind,
                                 {{"nasbench201", 16, 4, 2, 0.025}, {"darts-cifar", 16, 2, 1, 0.025}}};
  return scale;
}

}  // namespace rlnas::test
