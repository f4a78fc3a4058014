// What bounds a device from below: the constants that counted figures are set against, one row a device.
// Sources: NVIDIA's data sheets "H100 Tensor Core GPU" (SXM5) and "A100 Tensor Core GPU" (80 GB SXM), dense
// rates without sparsity. The gap and the host's time are common figures for such machines, not measured
// here.
#pragma once

#include <string>

#include "tests/simulator/work_log.h"

namespace rlnas::bench {

struct DeviceLimits {
  const char* name;  // of a file of tests/cuda_plans/device_properties
  double bytes_per_s;
  double fp32_flops, tf32_flops, bf16_flops;  // a second
  double memory_bytes;

  double flops_per_s(simulator::Arithmetic arithmetic) const {
    switch (arithmetic) {
      case simulator::Arithmetic::tf32:
        return tf32_flops;
      case simulator::Arithmetic::bf16:
        return bf16_flops;
      case simulator::Arithmetic::fp32:
        break;
    }
    return fp32_flops;
  }
};

inline constexpr DeviceLimits kDevices[] = {
    {"h100_sxm", 3.35e12, 67e12, 495e12, 990e12, 80e9},
    {"a100_sxm", 2.039e12, 19.5e12, 156e12, 312e12, 80e9},
};
// From one kernel to the next on a stream, and what queueing one takes the host.
inline constexpr double kGapSeconds = 2e-6, kQueueSeconds = 3e-6;

// Errors: usage for a name that has no row.
const DeviceLimits& limits_of(const std::string& device);

// The time that the work cannot fall below: its kernels one after the other, each the longer of its bytes at
// the bandwidth of memory and its operations at the peak of its units. Copies to and from the host overlap.
// No bound where tensors stay in the second-level cache, which is faster than memory.
double least_seconds(const simulator::Work& work, const DeviceLimits& limits);

}  // namespace rlnas::bench
