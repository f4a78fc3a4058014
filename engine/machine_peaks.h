// What this machine can do at most, measured in this process: the yardsticks for "share of peak" in profiles
// and benchmarks. Best of several short runs, so that other load on the machine makes them less wrong.
#pragma once

#include <cstddef>

namespace rlnas {

// Single-precision multiply-adds in registers, on `threads` threads at once, with the widest vectors the
// machine has whatever this build was compiled for. Units: GFLOP/s, two FLOPs a multiply-add. Takes about 30
// ms.
double fma_peak_gflops(int threads);

// Bandwidth of plain reads, and of copies, over buffers of `bytes` in all that every thread has its own part
// of. The buffers are in huge pages where the system gives them; filling them is not timed. Units: GB/s (1e9
// bytes); a copied byte counts twice, once read and once written, and `bytes` is both buffers. Errors: device
// when there is no memory for the buffer.
double read_bandwidth_gbs(int threads, std::size_t bytes);
double copy_bandwidth_gbs(int threads, std::size_t bytes);

// One pass of the plain read that is timed there, for those who time it in turns with something else.
// `floats`: a multiple of kReadFloats. Returns some sum of them.
inline constexpr std::size_t kReadFloats = 128;
float read_memory(const float* data, std::size_t floats);

struct MachinePeaks {
  static constexpr std::size_t kMemoryBytes = std::size_t{64} << 20;  // about what a training step works on
  static constexpr std::size_t kCacheBytesPerThread = std::size_t{512} << 10;  // fits the second-level cache

  int threads = 0;
  double fma_gflops = 0.0;
  double memory_read_gbs = 0.0;  // over kMemoryBytes; a machine's last-level cache may hold that
  double memory_copy_gbs = 0.0;  // likewise
  double cache_read_gbs = 0.0;   // over kCacheBytesPerThread
};

// All of them, in under 0.3 s. Errors: usage for a number of threads below 1; device when there is no memory.
MachinePeaks measure_machine_peaks(int threads);

}  // namespace rlnas
