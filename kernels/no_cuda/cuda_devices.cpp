#include "kernels/cuda_devices.h"

namespace rlnas {

int cuda_device_count() {
  return 0;
}

std::string cuda_device_identity(int) {
  return "";
}

}  // namespace rlnas
