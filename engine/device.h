// Choosing a backend at run time from the text of --device.
#pragma once

#include <memory>
#include <string>

#include "kernels/backend.h"

namespace rlnas {

struct DeviceChoice {
  std::unique_ptr<Backend> backend;
  std::string reason;  // one line for the log: what was chosen and why
  int threads = 0;     // of this machine's, that its kernels run on; 0: they run on another device
};

// auto: CUDA device 0 if there is one, otherwise the CPU; cpu; cuda[:N]; ref (the slow reference loops).
// cpu_options: of the CPU backend, if it is that. local_rank: among the ranks on this machine: each takes a
// CUDA device of its own where the text names none.
// Errors: usage for another text; device when CUDA was asked for and cannot be had.
DeviceChoice choose_device(const std::string& text, const CpuOptions& cpu_options, int local_rank = 0);

}  // namespace rlnas
