#include <algorithm>
#include <cstdlib>

#include "kernels/cpu/host_memory.h"

namespace rlnas {

HostMemory::~HostMemory() = default;

void* HostMemory::allocate(std::size_t bytes) {
  constexpr std::size_t kAlignment = 64;
  constexpr std::size_t kMost = std::size_t{1} << 39;  // a sanitizer ends the process over more
  if (bytes > kMost) return nullptr;
  void* memory = nullptr;
  return posix_memalign(&memory, kAlignment, std::max<std::size_t>(bytes, 1)) == 0 ? memory : nullptr;
}

void HostMemory::release(void* memory) noexcept {
  std::free(memory);
}

}  // namespace rlnas
