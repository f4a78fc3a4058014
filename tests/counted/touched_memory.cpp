#include "tests/counted/touched_memory.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdlib>
#include <map>

namespace rlnas::test {
namespace {

enum Touch : std::uint8_t { kUntouched = 0, kRead = 1, kWritten = 2 };

constexpr std::size_t kMostPages = 1 << 16;
constexpr greg_t kWriteBit = 2;  // of a page fault's error code

// Plain memory, for a handler of signals.
struct Page {
  char* address;
  std::uint8_t touch;
};
Page pages[kMostPages];
std::size_t page_count = 0;
struct sigaction action_before[2];

// Pages are in order of address.
Page* page_of(const void* address) {
  std::size_t low = 0, high = page_count;
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (pages[middle].address + TouchedMemory::kPageBytes <= static_cast<const char*>(address))
      low = middle + 1;
    else
      high = middle;
  }
  return low < page_count && pages[low].address <= static_cast<const char*>(address) ? &pages[low] : nullptr;
}

void on_fault(int signal, siginfo_t* info, void* context) {
  Page* const page = page_of(info->si_addr);
  if (page == nullptr) {
    ::signal(signal, SIG_DFL);
    return;
  }
  const bool writes = (static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR] & kWriteBit) != 0;
  page->touch = std::uint8_t(page->touch | (writes ? kWritten : kRead));
  mprotect(page->address, TouchedMemory::kPageBytes, writes ? PROT_READ | PROT_WRITE : PROT_READ);
}

}  // namespace

TouchedMemory::TouchedMemory() = default;

TouchedMemory::~TouchedMemory() {
  for (const Region& region : regions_) munmap(region.data, region.bytes);
}

void* TouchedMemory::map(std::size_t bytes) {
  const std::size_t whole = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  void* const data = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) std::abort();
  regions_.push_back({static_cast<char*>(data), whole});
  return data;
}

void TouchedMemory::close() {
  std::map<char*, std::size_t> in_order;
  for (const Region& region : regions_) in_order[region.data] = region.bytes;
  page_count = 0;
  for (const auto& [data, bytes] : in_order)
    for (std::size_t at = 0; at < bytes; at += kPageBytes) {
      if (page_count == kMostPages) std::abort();
      pages[page_count++] = {data + at, kUntouched};
    }
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, &action_before[0]);
  sigaction(SIGBUS, &action, &action_before[1]);
  for (const Region& region : regions_) mprotect(region.data, region.bytes, PROT_NONE);
}

TouchedMemory::Touched TouchedMemory::open() {
  for (const Region& region : regions_) mprotect(region.data, region.bytes, PROT_READ | PROT_WRITE);
  sigaction(SIGSEGV, &action_before[0], nullptr);
  sigaction(SIGBUS, &action_before[1], nullptr);
  Touched touched;
  for (std::size_t i = 0; i < page_count; ++i) {
    if ((pages[i].touch & kRead) != 0) touched.read_bytes += kPageBytes;
    if ((pages[i].touch & kWritten) != 0) touched.written_bytes += kPageBytes;
  }
  return touched;
}

}  // namespace rlnas::test
