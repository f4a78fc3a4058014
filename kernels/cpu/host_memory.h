// Host memory that stands for device memory. Two sources, chosen by CMake: host_memory.cpp puts large blocks
// on huge pages; host_memory_exact.cpp, for sanitizer builds, gives blocks that end where they were asked to,
// so that a step beyond is seen.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <unordered_map>

namespace rlnas {

class HostMemory {
 public:
  HostMemory() = default;
  ~HostMemory();  // also gives back large blocks that were not released
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;

  // 64-byte aligned, contents undefined; null when there is none.
  void* allocate(std::size_t bytes);
  void release(void* memory) noexcept;

 private:
  std::mutex mutex_;
  std::unordered_map<void*, std::size_t> mapped_;  // blocks that came from mmap, with their sizes
  std::multimap<std::size_t, void*> spare_;        // such blocks that were released and are kept, by size
  std::size_t spare_bytes_ = 0;
};

}  // namespace rlnas
