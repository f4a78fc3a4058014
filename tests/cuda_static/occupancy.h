// How many threads of a kernel a multiprocessor holds at once, by CUDA's own calculator (cuda_occupancy.h),
// for GPUs that are not there.
#pragma once

#include <string>

#include "tests/cuda_static/kernel_listing.h"

namespace rlnas::test {

enum class Gpu { a100, h100 };

struct Occupancy {
  int blocks = 0;
  int threads = 0;
  double share = 0.0;  // of the threads that fit at most
};

// Errors: std::runtime_error when the calculator refuses.
Occupancy occupancy_of(Gpu gpu, const KernelResources& kernel, int block_threads);

}  // namespace rlnas::test
