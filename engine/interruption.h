// Ending a long call from outside, and telling how far it is. Who starts one says how the caller's wish is
// asked for; loops at any depth ask now and then, and end it by an exception, so that no layer between has to
// hand a question down. Of one thread: work shared out over several is asked about on the one that waits for
// it.
#pragma once

#include <chrono>
#include <cstdint>
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

// How far a loop is.
struct LoopProgress {
  const char* what;         // it does: "loading"; null: nothing that is worth telling
  std::uint64_t done = 0;   // bytes, images, paths
  std::uint64_t total = 0;  // 0: not known
};

// For as long as it lives loops on this thread tell `tells`, and no outer one. An empty function: nothing
// changes.
class ProgressScope {
 public:
  explicit ProgressScope(const std::function<void(const LoopProgress&)>& tells);
  ~ProgressScope();
  ProgressScope(const ProgressScope&) = delete;
  ProgressScope& operator=(const ProgressScope&) = delete;

 private:
  friend void check_interruption(const LoopProgress& now);

  const std::function<void(const LoopProgress&)>& tells_;
  ProgressScope* outer_;
  std::chrono::steady_clock::time_point told_{};
  const char* what_ = "";
};

// Asks every 20 ms, however often it is called. Errors: Interrupted.
void check_interruption();
// Also tells, every 20 ms, and when something else is done than before.
void check_interruption(const LoopProgress& now);

}  // namespace rlnas
