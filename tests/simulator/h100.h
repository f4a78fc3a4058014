// The simulated device: what NVIDIA publishes and cudart reports of an H100 SXM5 80 GB.
#pragma once

#include <cstddef>

namespace rlnas::simulator::h100 {

inline constexpr const char* kName = "Simulated NVIDIA H100 80GB HBM3";
inline constexpr int kMajor = 9, kMinor = 0;
inline constexpr int kMultiprocessors = 132;
inline constexpr int kWarp = 32;
inline constexpr int kThreadsPerBlock = 1024, kThreadsPerMultiprocessor = 2048, kBlocksPerMultiprocessor = 32;
inline constexpr int kRegisters = 65536;  // of a block and of a multiprocessor
inline constexpr std::size_t kSharedPerBlock = 49152, kSharedPerBlockOptin = 232448,
                             kSharedPerMultiprocessor = 233472;
inline constexpr int kL2CacheBytes = 52428800;
inline constexpr int kClockKhz = 1980000, kMemoryClockKhz = 2619000, kMemoryBusBits = 5120;

}  // namespace rlnas::simulator::h100
