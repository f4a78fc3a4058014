// Host memory as device memory: 64-byte aligned, large blocks on huge pages.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/round_up.h"

namespace rlnas {
namespace {

constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

// A private mapping that starts on a huge-page boundary, or null.
void* map_huge(std::size_t bytes) {
  const std::size_t reserved = bytes + kHugePageBytes;
  void* const raw = mmap(nullptr, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  char* const base = static_cast<char*>(raw);
  char* const start = base + (round_up(reinterpret_cast<std::size_t>(base), kHugePageBytes) -
                              reinterpret_cast<std::size_t>(base));
  if (start > base) munmap(base, std::size_t(start - base));
  if (char* const end = start + bytes; end < base + reserved) munmap(end, std::size_t(base + reserved - end));
  madvise(start, bytes, MADV_HUGEPAGE);  // a hint: a kernel without huge pages only runs slower
  return start;
}

}  // namespace

void* CpuBackend::allocate(std::size_t bytes) {
  RLNAS_CHECK(bytes <= std::size_t(-1) / 2, device, "out of host memory: ", bytes,
              " bytes wanted; lower --batch-size");
  void* memory = nullptr;
  if (bytes >= kHugePageBytes) {
    const std::size_t mapped_bytes = round_up(bytes, kHugePageBytes);
    memory = map_huge(mapped_bytes);
    if (memory != nullptr) {
      const std::lock_guard lock(memory_mutex_);
      mapped_.emplace(memory, mapped_bytes);
    }
  } else {
    memory = std::aligned_alloc(64, round_up(bytes == 0 ? 1 : bytes, 64));
  }
  RLNAS_CHECK(memory != nullptr, device, "out of host memory: ", bytes >> 20,
              " MiB wanted in one block; lower --batch-size");
  return memory;
}

void CpuBackend::release(void* memory) noexcept {
  if (memory == nullptr) return;
  const std::lock_guard lock(memory_mutex_);
  if (const auto found = mapped_.find(memory); found != mapped_.end()) {
    munmap(memory, found->second);
    mapped_.erase(found);
  } else {
    std::free(memory);
  }
}

void CpuBackend::upload(void* device, const void* host, std::size_t bytes) {
  if (bytes > 0) std::memcpy(device, host, bytes);
}

void CpuBackend::download(void* host, const void* device, std::size_t bytes) {
  if (bytes > 0) std::memcpy(host, device, bytes);
}

}  // namespace rlnas
