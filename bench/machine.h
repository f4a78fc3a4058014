// What every benchmark program starts with: the device taken from the command line, and its peaks measured in
// this process before anything else, printed and written into the JSON context.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/machine_peaks.h"
#include "kernels/backend.h"

namespace rlnas::bench {

// Over a buffer that no common last-level cache holds; kMemoryBytes of MachinePeaks may be held by one.
inline constexpr std::size_t kFarBytes = std::size_t{1} << 30;

struct Machine {
  MachinePeaks peaks;         // peaks.threads says on how many threads
  double far_read_gbs = 0.0;  // 0 on a device of its own, whose copies alone are measured
  double far_copy_gbs = 0.0;
};

// The measurements on that many of thread_counts() threads (device.h).
const Machine& machine(int threads);

// What a plain read, or a copy, of `bytes` in all reaches; on a device of its own a copy in both cases.
// Units: GB/s. Measured anew at each call.
double read_yardstick_gbs(Backend& backend, int threads, std::size_t bytes);
double copy_yardstick_gbs(Backend& backend, int threads, std::size_t bytes);

// Waits passively as the apps do, takes the device out of the arguments, runs body on the others, and turns
// its errors into a line on standard error and an exit code.
int guarded_main(int argc, char** argv, const std::function<int(std::vector<char*>&)>& body);

// Measures the device, for machine().
void measure();

// Runs what Google Benchmark's flags among the arguments ask for, of what register_all registers. Returns the
// exit code.
int run_benchmarks(std::vector<char*>& arguments, const std::function<void()>& register_all);

// main() of a benchmark program: all of the above. `defaults`: flags that the command line wins over.
int bench_main(int argc, char** argv, void (*register_all)(), std::vector<std::string> defaults = {});

// Resident memory of this process, now.
double resident_mib();

}  // namespace rlnas::bench
