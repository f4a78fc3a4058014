// Stacks and switches of fibers (Boost.Context's fcontext: a switch is some twenty instructions), with the
// notes that AddressSanitizer wants, where the program is built with it.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <vector>

namespace rlnas::emulation {

class FiberPool {
 public:
  FiberPool() = default;
  ~FiberPool();
  FiberPool(const FiberPool&) = delete;
  FiberPool& operator=(const FiberPool&) = delete;

  // Makes fibers 0..count-1 ready to run entry(i). `entry` must not let exceptions out.
  void prepare(int count, void (*entry)(int fiber));
  // Runs the fiber until it calls back() or returns from `entry`.
  void resume(int fiber);
  // From inside a fiber: returns to whoever resumed it.
  void back();
  // Fibers that will not be finished leave marks of their frames on their stacks; this wipes them.
  void abandon();

 private:
  struct Fiber {
    char* stack;
    boost::context::detail::fcontext_t context = nullptr;
    void* fake_stack = nullptr;
  };

  static void start(boost::context::detail::transfer_t from);
  void run_current();
  void leave(void** fake_stack);

  std::vector<Fiber> fibers_;
  std::vector<char*> mappings_;
  int current_ = -1;
  void (*entry_)(int) = nullptr;
  boost::context::detail::fcontext_t caller_ = nullptr;
  void* caller_fake_stack_ = nullptr;
  const void* caller_stack_ = nullptr;
  std::size_t caller_stack_bytes_ = 0;
};

}  // namespace rlnas::emulation
