#include "tests/device/device.h"

#include <cuda_runtime_api.h>

#include "kernels/backend.h"

namespace rlnas::test {

const DevicesHere& devices_here() {
  static const DevicesHere here = [] {
    DevicesHere found;
    try {
      make_cuda_backend({});
      if (cudaGetDeviceCount(&found.count) != cudaSuccess) found.count = 0;
    } catch (const Error& error) {
      found.missing = error.what();
    }
    return found;
  }();
  return here;
}

}  // namespace rlnas::test
