#include "tests/emulation/fiber.h"

#include <sys/mman.h>

#include <new>

// Present in programs built with AddressSanitizer, null in others.
extern "C" {
__attribute__((weak)) void __sanitizer_start_switch_fiber(void** fake_stack, const void* bottom,
                                                          std::size_t bytes);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void* fake_stack, const void** bottom,
                                                           std::size_t* bytes);
__attribute__((weak)) void __asan_unpoison_memory_region(const volatile void* memory, std::size_t bytes);
}

namespace rlnas::emulation {
namespace {

constexpr std::size_t kStackBytes = 128 << 10;
// Stack tops a power of two apart would all map to the same few sets of the cache.
constexpr std::size_t kStaggerStep = 64 * 13, kStaggerBytes = 64 << 10;
constexpr std::size_t kMappingBytes = kStackBytes + kStaggerBytes;

}  // namespace

FiberPool::~FiberPool() {
  for (char* const mapping : mappings_) munmap(mapping, kMappingBytes);
}

void FiberPool::prepare(int count, void (*entry)(int)) {
  while (int(fibers_.size()) < count) {
    void* const mapping = mmap(nullptr, kMappingBytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc();
    mappings_.push_back(static_cast<char*>(mapping));
    fibers_.push_back({mappings_.back() + fibers_.size() * kStaggerStep % kStaggerBytes});
  }
  entry_ = entry;
  for (int i = 0; i < count; ++i) {
    Fiber& fiber = fibers_[std::size_t(i)];
    fiber.context =
        boost::context::detail::make_fcontext(fiber.stack + kStackBytes, kStackBytes, &FiberPool::start);
    fiber.fake_stack = nullptr;
  }
}

// No frame of its own on the fiber's stack may be marked: it is never left by returning.
__attribute__((no_sanitize("address"))) void FiberPool::start(boost::context::detail::transfer_t from) {
  FiberPool& pool = *static_cast<FiberPool*>(from.data);
  pool.caller_ = from.fctx;
  pool.run_current();
}

__attribute__((no_sanitize("address"))) void FiberPool::run_current() {
  if (__sanitizer_finish_switch_fiber != nullptr)
    __sanitizer_finish_switch_fiber(nullptr, &caller_stack_, &caller_stack_bytes_);
  entry_(current_);
  leave(nullptr);  // for good: a null fake stack tells the sanitizer so
}

void FiberPool::resume(int fiber) {
  Fiber& to = fibers_[std::size_t(fiber)];
  current_ = fiber;
  if (__sanitizer_start_switch_fiber != nullptr)
    __sanitizer_start_switch_fiber(&caller_fake_stack_, to.stack, kStackBytes);
  to.context = boost::context::detail::jump_fcontext(to.context, this).fctx;
  if (__sanitizer_finish_switch_fiber != nullptr)
    __sanitizer_finish_switch_fiber(caller_fake_stack_, nullptr, nullptr);
}

__attribute__((no_sanitize("address"))) void FiberPool::leave(void** fake_stack) {
  if (__sanitizer_start_switch_fiber != nullptr)
    __sanitizer_start_switch_fiber(fake_stack, caller_stack_, caller_stack_bytes_);
  caller_ = boost::context::detail::jump_fcontext(caller_, nullptr).fctx;
}

void FiberPool::back() {
  void** const fake_stack = &fibers_[std::size_t(current_)].fake_stack;
  leave(fake_stack);
  if (__sanitizer_finish_switch_fiber != nullptr)
    __sanitizer_finish_switch_fiber(*fake_stack, &caller_stack_, &caller_stack_bytes_);
}

void FiberPool::abandon() {
  if (__asan_unpoison_memory_region == nullptr) return;
  for (const Fiber& fiber : fibers_) __asan_unpoison_memory_region(fiber.stack, kStackBytes);
}

}  // namespace rlnas::emulation
