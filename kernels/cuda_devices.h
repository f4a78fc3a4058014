// What ranks of a run have to know of a machine's CUDA devices before each takes one. Twins: cuda/ and
// no_cuda/cuda_devices.cpp.
#pragma once

#include <string>

namespace rlnas {

// That this process sees; 0 where there is no driver.
int cuda_device_count();
// The same for one device in every process, whatever its number there; empty where there is none.
std::string cuda_device_identity(int index);

}  // namespace rlnas
