#include "kernels/cpu/host_memory.h"

#include <sys/mman.h>

#include <cstdlib>

#include "kernels/round_up.h"

namespace rlnas {
namespace {

constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;
// Of released blocks that are kept: whoever makes a network's weights anew for every architecture would have
// the system clear the same pages again and again.
constexpr std::size_t kMostSpareBytes = std::size_t{64} << 20;

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

HostMemory::~HostMemory() {
  for (const auto& [memory, bytes] : mapped_) munmap(memory, bytes);
  for (const auto& [bytes, memory] : spare_) munmap(memory, bytes);
}

void* HostMemory::allocate(std::size_t bytes) {
  if (bytes < kHugePageBytes) return std::aligned_alloc(64, round_up(bytes == 0 ? 1 : bytes, 64));
  const std::size_t mapped_bytes = round_up(bytes, kHugePageBytes);
  const std::lock_guard lock(mutex_);
  if (const auto spare = spare_.lower_bound(mapped_bytes);
      spare != spare_.end() && spare->first <= 2 * mapped_bytes) {
    void* const memory = spare->second;
    mapped_.emplace(memory, spare->first);
    spare_bytes_ -= spare->first;
    spare_.erase(spare);
    return memory;
  }
  void* const memory = map_huge(mapped_bytes);
  if (memory != nullptr) mapped_.emplace(memory, mapped_bytes);
  return memory;
}

void HostMemory::release(void* memory) noexcept {
  if (memory == nullptr) return;
  const std::lock_guard lock(mutex_);
  if (const auto found = mapped_.find(memory); found != mapped_.end()) {
    if (spare_bytes_ + found->second <= kMostSpareBytes) {
      spare_.emplace(found->second, memory);
      spare_bytes_ += found->second;
    } else {
      munmap(memory, found->second);
    }
    mapped_.erase(found);
  } else {
    std::free(memory);
  }
}

}  // namespace rlnas
