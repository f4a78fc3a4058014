// Runs CUDA kernels on the CPU, one fiber per GPU thread, and finds what a GPU would hide: shared-memory
// races, reads of shared memory nobody wrote, accesses past its end, barriers that not all threads reach,
// wrong warp masks, misaligned vector loads; global memory is watched by the sanitizers, and dependence on
// the order of threads shows when the same case runs under all schedules. Technique: fibers as in CPU
// runtimes of OpenCL; random priorities as in probabilistic concurrency testing (Burckhardt et al., ASPLOS
// 2010).
#pragma once

#include <cstdint>
#include <functional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/cuda/gpu_stream.h"
#include "kernels/cuda/launch_shape.h"

namespace rlnas {

namespace emulation {

using Site = std::source_location;

// A fault of a kernel; the message names kernel, block, thread and source line.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Which of the threads that could go on goes on. random_priority: warps have priorities, redrawn now and
// then, so that some run far ahead of others; threads within a warp at random.
enum class Schedule { forward, reverse, random, random_priority };
inline constexpr Schedule kSchedules[] = {Schedule::forward, Schedule::reverse, Schedule::random,
                                          Schedule::random_priority};

struct Options {
  Schedule schedule = Schedule::forward;
  std::uint64_t seed = 1;
};
Options& options();

struct Launch {
  const char* kernel;
  LaunchShape shape;
  GpuStream stream;
  std::vector<const void*> pointers;  // those among the arguments that are not null
  std::function<void()> run;
};

// Who runs a launch: by default at once. A simulated runtime puts a function here that keeps `run` until its
// stream gets to it.
using Executor = std::function<void(Launch launch)>;
Executor& executor();

// Hands the launch to the executor. Errors: Fault for a shape that no GPU takes.
void submit(const char* kernel, const LaunchShape& shape, GpuStream stream, std::vector<const void*> pointers,
            std::function<void()> thread_body);

}  // namespace emulation
}  // namespace rlnas
