// The device that a benchmark program runs on: --device cpu | cuda[:N] of its command line, and the precision
// of convolutions on a CUDA device.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/backend.h"

namespace rlnas::bench {

// The value of `--flag VALUE` or `--flag=VALUE`, taken out of a program's arguments; "" when it is not there.
// Errors: usage when the value is missing.
std::string take_flag(std::vector<char*>& arguments, std::string_view flag);

// Takes `--device TEXT` and `--precision fp32|tf32|bf16` out of the arguments: Google Benchmark knows
// neither. Errors: usage for another text.
void take_device(std::vector<char*>& arguments);

// Whether kernels run on threads of this machine, and not on a device of their own.
bool on_cpu();
// Of the command line: precision, and the index of a CUDA device.
const CudaOptions& cuda_options();
// cpu: of the CPU backend, if it is that. Errors: device when there is no such device.
std::unique_ptr<Backend> make_backend(const CpuOptions& cpu = {});

// 1, 2, 4, ... and the number of cores of this process; {0} on a device of its own.
std::vector<int> thread_counts();

// How many calls to queue for one timing, so that waiting for the device is small beside them; 1 on the CPU.
int calls_a_timing();
// Seconds of one call: `calls` of them between two waits for the device.
double seconds_a_call(Backend& backend, int calls, const std::function<void(int call)>& call);

}  // namespace rlnas::bench
