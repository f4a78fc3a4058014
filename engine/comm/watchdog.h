// Ends a wait for other ranks that makes no progress. There is no thread behind it: every wait in this folder
// is a loop of short ones that asks the watchdog in between, so that the waiting thread itself throws and
// unwinds; a second thread could only have ended the process.
#pragma once

#include <chrono>
#include <string>

#include "engine/comm/communicator.h"

namespace rlnas {

class Watchdog {
 public:
  // The communicator says which rank and step it is.
  Watchdog(const Communicator& communicator, double timeout_s)
      : communicator_(communicator), timeout_(timeout_s) {}

  // Another for a part of the operation.
  Watchdog shorter(double timeout_s) const {
    Watchdog part(communicator_, timeout_s);
    part.begin(operation_);
    return part;
  }

  // An operation begins, or has got on: the clock starts again. `operation`: a string literal.
  void begin(const char* operation) {
    operation_ = operation;
    progress();
  }
  void progress() { last_progress_ = Clock::now(); }

  bool expired() const { return Clock::now() - last_progress_ > timeout_; }
  // Errors: communication, naming rank, step and operation.
  [[noreturn]] void fail(const std::string& reason) const;
  [[noreturn]] void fail_expired(const std::string& waiting_for) const;

 private:
  using Clock = std::chrono::steady_clock;
  const Communicator& communicator_;
  std::chrono::duration<double> timeout_;
  const char* operation_ = "";
  Clock::time_point last_progress_ = Clock::now();
};

}  // namespace rlnas
