#include "tests/simulator/device_memory.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "tests/simulator/state.h"

namespace rlnas::simulator {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kAlignment = 256;  // of cudaMalloc
constexpr char kPoison = char(0xFF);     // a NaN as float, double and bfloat16
constexpr char kMargin = char(0xA7);     // around a block, within its pages
constexpr std::size_t kPoisonFileBytes = 16 << 20;

std::size_t round_up(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

int make_poison_file() {
  const int file = memfd_create("poison", MFD_CLOEXEC);
  const std::vector<char> poison(kPoisonFileBytes, kPoison);
  if (file < 0 || write(file, poison.data(), poison.size()) != ssize_t(poison.size()))
    misuse("no memory file for poison");
  return file;
}

// Fills pages with poison that is shared until it is written to: large blocks cost what is used of them.
void map_poison(char* to, std::size_t bytes) {
  static const int file = make_poison_file();
  for (std::size_t done = 0; done < bytes; done += kPoisonFileBytes)
    if (mmap(to + done, std::min(bytes - done, kPoisonFileBytes), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_FIXED, file, 0) == MAP_FAILED)
      misuse("mmap failed");
}

void on_fault(int signal, siginfo_t* info, void*) {
  const std::string explanation = device_memory().explain(info->si_addr);
  if (!explanation.empty()) misuse(explanation);
  ::signal(signal, SIG_DFL);  // not ours: the same instruction faults again and ends the program
}

}  // namespace

void explain_faults() {
  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigaction(SIGSEGV, &action, nullptr);
  sigaction(SIGBUS, &action, nullptr);
}

DeviceMemory& device_memory() {
  static DeviceMemory* const memory = [] {
    explain_faults();
    return new DeviceMemory;
  }();
  return *memory;
}

void DeviceMemory::set_access(const Block& block, int protection) const {
  if (mprotect(block.region + kPageBytes, block.region_bytes - 2 * kPageBytes, protection) != 0)
    misuse("mprotect failed");
}

void* DeviceMemory::allocate(MemoryKind kind, std::size_t bytes) {
  Usage& usage = state().usage;
  if (kind == MemoryKind::device && bytes > memory_bytes() - usage.device_bytes) return nullptr;
  const std::size_t inside = round_up(round_up(bytes, kAlignment), kPageBytes);
  Block block{kind, Life::live, ++made_, nullptr, inside + 2 * kPageBytes, bytes};
  void* const region = mmap(nullptr, block.region_bytes, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | (counting() ? MAP_NORESERVE : 0), -1, 0);
  if (region == MAP_FAILED) return nullptr;
  block.region = static_cast<char*>(region);
  char* const begin = block.region + kPageBytes;
  // Where the device only counts, nothing is read before it is copied there, and memory is far larger than
  // this machine's: zeros, which cost nothing until they are written to.
  if (counting())
    set_access(block, PROT_READ | PROT_WRITE);
  else
    map_poison(begin, inside);
  // The end of the block lies close to the guard page behind it.
  char* const data = begin + inside - round_up(bytes, kAlignment);
  std::fill(begin, data, kMargin);
  std::fill(data + bytes, begin + inside, kMargin);
  if (kind == MemoryKind::device && !open_ && !counting()) set_access(block, PROT_NONE);
  blocks_.emplace(data, block);
  if (kind == MemoryKind::device) usage.device_bytes += bytes;
  ++(kind == MemoryKind::device ? usage.allocations : usage.host_allocations);
  return data;
}

bool DeviceMemory::release(MemoryKind kind, void* data) {
  const auto at = blocks_.find(static_cast<const char*>(data));
  if (at == blocks_.end() || at->second.kind != kind) return false;
  Block& block = at->second;
  if (block.life == Life::freed) misuse("freed twice: " + name_of(*at, data));
  set_access(block, PROT_READ | PROT_WRITE);
  const char* const begin = block.region + kPageBytes;
  const char* const end = block.region + block.region_bytes - kPageBytes;
  const auto untouched = [](char c) { return c == kMargin; };
  const char* const first = at->first;
  if (!std::all_of(begin, first, untouched)) misuse("written before its begin: " + name_of(*at, data));
  if (!std::all_of(first + block.bytes, end, untouched))
    misuse("written past its end: " + name_of(*at, data));
  madvise(block.region, block.region_bytes, MADV_DONTNEED);
  set_access(block, PROT_NONE);
  block.life = Life::freed;
  Usage& usage = state().usage;
  if (kind == MemoryKind::device) usage.device_bytes -= block.bytes;
  --(kind == MemoryKind::device ? usage.allocations : usage.host_allocations);
  return true;
}

void DeviceMemory::forget() {
  for (const auto& [data, block] : blocks_) munmap(block.region, block.region_bytes);
  blocks_.clear();
  made_ = 0;
}

DeviceMemory::Blocks::const_iterator DeviceMemory::block_of(const void* address) const {
  const char* const at = static_cast<const char*>(address);
  const auto inside = [&](Blocks::const_iterator block) {
    return at >= block->second.region && at < block->second.region + block->second.region_bytes;
  };
  const auto next = blocks_.upper_bound(at);
  if (next != blocks_.begin() && inside(std::prev(next))) return std::prev(next);
  return next != blocks_.end() && inside(next) ? next : blocks_.end();
}

bool DeviceMemory::holds(MemoryKind kind, const void* from, std::size_t bytes,
                         const std::string& what) const {
  const auto found = block_of(from);
  if (found == blocks_.end() || found->second.kind != kind) return false;
  const Block& block = found->second;
  if (block.life == Life::freed) misuse(what + " uses freed memory: " + name_of(*found, from));
  const char* const first = static_cast<const char*>(from);
  if (first < found->first || first + bytes > found->first + block.bytes)
    misuse(what + " of " + std::to_string(bytes) + " bytes leaves " + name_of(*found, from));
  return true;
}

void DeviceMemory::open() {
  if (counting()) return;
  open_ = true;
  for (const auto& [data, block] : blocks_)
    if (block.kind == MemoryKind::device && block.life == Life::live)
      set_access(block, PROT_READ | PROT_WRITE);
}

void DeviceMemory::close() {
  if (counting()) return;
  open_ = false;
  for (const auto& [data, block] : blocks_)
    if (block.kind == MemoryKind::device && block.life == Life::live) set_access(block, PROT_NONE);
}

std::string DeviceMemory::name_of(const Blocks::value_type& entry, const void* address) const {
  const Block& block = entry.second;
  return std::string(block.kind == MemoryKind::device ? "device" : "pinned") + " allocation " +
         std::to_string(block.number) + " of " + std::to_string(block.bytes) + " bytes, at byte " +
         std::to_string(static_cast<const char*>(address) - entry.first);
}

std::string DeviceMemory::explain(const void* address) const {
  const auto found = block_of(address);
  if (found == blocks_.end()) return {};
  const Block& block = found->second;
  const std::string who = running_ != nullptr ? running_ : "host code";
  const std::string where = name_of(*found, address);
  const char* const at = static_cast<const char*>(address);
  if (block.life == Life::freed) return who + " touches freed memory: " + where;
  if (at < found->first || at >= found->first + block.bytes) return who + " leaves " + where;
  return who + " touches device memory: " + where;
}

}  // namespace rlnas::simulator
