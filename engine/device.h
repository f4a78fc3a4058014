// Choosing a backend at run time from the text of --device.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kernels/backend.h"

namespace rlnas {

enum class DeviceKind { cpu, cuda, ref };
const char* name_of(DeviceKind kind);

struct DeviceChoice {
  DeviceKind kind = DeviceKind::cpu;
  std::unique_ptr<Backend> backend;
  std::string reason;  // one line for the log: what was chosen and why
  int threads = 0;     // of this machine's, that its kernels run on; 0: they run on another device
};

struct DeviceOptions {  // of either backend, whichever it is
  CpuOptions cpu;
  CudaOptions cuda;
};

// The N of "cuda:N"; nothing for another text.
std::optional<int> cuda_index(const std::string& text);

// auto: a CUDA device if there is one, otherwise the CPU; cpu; cuda[:N]; ref (the slow reference loops).
// auto and cuda without a number take options.cuda.device.
// Errors: usage for another text; device when CUDA was asked for and cannot be had, or when this CPU cannot
// run the kernels of this build.
DeviceChoice choose_device(const std::string& text, const DeviceOptions& options);

}  // namespace rlnas
