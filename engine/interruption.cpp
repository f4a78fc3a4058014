#include "engine/interruption.h"

#include <string_view>

namespace rlnas {
namespace {

thread_local InterruptionScope* innermost = nullptr;
thread_local ProgressScope* innermost_progress = nullptr;

// Whether 20 ms have gone by, which begin anew then.
bool is_time(std::chrono::steady_clock::time_point& last) {
  const auto now = std::chrono::steady_clock::now();
  if (now - last < std::chrono::milliseconds(20)) return false;
  last = now;
  return true;
}

}  // namespace

InterruptionScope::InterruptionScope(const std::function<bool()>& stops) : stops_(stops), outer_(innermost) {
  if (stops_) innermost = this;
}

InterruptionScope::~InterruptionScope() {
  innermost = outer_;
}

void check_interruption() {
  if (innermost == nullptr || !is_time(innermost->asked_)) return;
  if (innermost->stops_()) throw Interrupted();
}

ProgressScope::ProgressScope(const std::function<void(const LoopProgress&)>& tells)
    : tells_(tells), outer_(innermost_progress) {
  if (tells_) innermost_progress = this;
}

ProgressScope::~ProgressScope() {
  innermost_progress = outer_;
}

void check_interruption(const LoopProgress& now) {
  if (ProgressScope* const scope = innermost_progress; scope != nullptr && now.what != nullptr) {
    if (std::string_view(scope->what_) != now.what) scope->told_ = {};
    scope->what_ = now.what;
    if (is_time(scope->told_)) scope->tells_(now);
  }
  check_interruption();
}

}  // namespace rlnas
