// What every benchmark program starts with: the machine's peaks measured in this process before anything
// else, printed and written into the JSON context, and the numbers of threads to run on.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/machine_peaks.h"

namespace rlnas::bench {

// Over a buffer that no common last-level cache holds; kMemoryBytes of MachinePeaks may be held by one.
inline constexpr std::size_t kFarBytes = std::size_t{1} << 30;

struct Machine {
  MachinePeaks peaks;  // peaks.threads says on how many threads
  double far_read_gbs = 0.0;
  double far_copy_gbs = 0.0;
};

// 1, 2, 4, ... and the number of cores of this process.
std::vector<int> thread_counts();

// The measurements on that many of thread_counts() threads.
const Machine& machine(int threads);

// Waits passively as the apps do, runs body, and turns its errors into a line on standard error and an exit
// code.
int guarded_main(char** argv, const std::function<int()>& body);

// main() of a benchmark program: measures the machine, calls register_all, runs what the Google Benchmark
// flags of the command line ask for. `defaults`: flags that the command line wins over. Returns the exit
// code.
int bench_main(int argc, char** argv, void (*register_all)(), std::vector<std::string> defaults = {});

// Resident memory of this process, now.
double resident_mib();

}  // namespace rlnas::bench
