// SIGINT and SIGTERM while a run can save what it has.
#pragma once

#include <csignal>

namespace rlnas {

// The first signal asks the run to save and stop; a second one of the same kind ends the process at once.
class SignalGuard {
 public:
  SignalGuard() {
    struct sigaction action = {};
    action.sa_handler = [](int number) { caught_ = number; };
    action.sa_flags = int(SA_RESETHAND);
    caught_ = 0;
    sigaction(SIGINT, &action, &old_interrupt_);
    sigaction(SIGTERM, &action, &old_terminate_);
  }
  ~SignalGuard() {
    sigaction(SIGINT, &old_interrupt_, nullptr);
    sigaction(SIGTERM, &old_terminate_, nullptr);
  }
  // The number of the signal that came; 0: none.
  static int caught() { return caught_; }

 private:
  static inline volatile std::sig_atomic_t caught_ = 0;
  struct sigaction old_interrupt_ = {}, old_terminate_ = {};
};

}  // namespace rlnas
