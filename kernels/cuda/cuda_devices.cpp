#include "kernels/cuda_devices.h"

#include <cuda_runtime_api.h>

#include <iomanip>
#include <sstream>

namespace rlnas {

int cuda_device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  cudaGetLastError();  // else the next launch would report this error as its own
  return 0;
}

std::string cuda_device_identity(int index) {
  cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, index) != cudaSuccess) {
    cudaGetLastError();
    return "";
  }
  std::ostringstream text;
  text << "GPU-" << std::hex << std::setfill('0');
  for (const char byte : properties.uuid.bytes) text << std::setw(2) << int(static_cast<unsigned char>(byte));
  return text.str();
}

}  // namespace rlnas
