// Ending a long call from outside. Who starts one says how the caller's wish is asked for; loops at any depth
// ask now and then, and end it by an exception, so that no layer between has to hand a question down. Of one
// thread: work shared out over several is asked about on the one that waits for it.
#pragma once

#include <chrono>
#include <exception>
#include <functional>

namespace rlnas {

// What ends the call.
class Interrupted : public std::exception {
 public:
  const char* what() const noexcept override { return "interrupted"; }
};

// For as long as it lives check_interruption() on this thread asks `stops`, and no outer one. An empty
// function: nothing changes.
class InterruptionScope {
 public:
  explicit InterruptionScope(const std::function<bool()>& stops);
  ~InterruptionScope();
  InterruptionScope(const InterruptionScope&) = delete;
  InterruptionScope& operator=(const InterruptionScope&) = delete;

 private:
  friend void check_interruption();

  const std::function<bool()>& stops_;
  InterruptionScope* outer_;
  std::chrono::steady_clock::time_point asked_{};
};

// Asks every 20 ms, however often it is called. Errors: Interrupted.
void check_interruption();

}  // namespace rlnas
