#include "engine/interruption.h"

namespace rlnas {
namespace {

thread_local InterruptionScope* innermost = nullptr;

}  // namespace

InterruptionScope::InterruptionScope(const std::function<bool()>& stops) : stops_(stops), outer_(innermost) {
  if (stops_) innermost = this;
}

InterruptionScope::~InterruptionScope() {
  innermost = outer_;
}

void check_interruption() {
  if (innermost == nullptr) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - innermost->asked_ < std::chrono::milliseconds(20)) return;
  innermost->asked_ = now;
  if (innermost->stops_()) throw Interrupted();
}

}  // namespace rlnas
