#include "search/network_profiler.h"

namespace rlnas {

NetworkProfiler::NetworkProfiler(Backend& inner, const ProfileLimits& limits)
    : backend_(make_profiling_backend(inner, &calls_)) {
  profile_.limits = limits;
  profile_.total.name = "network";
}

void NetworkProfiler::begin_network() {
  calls_.clear();
  network_ = {};
  network_.start_ns = now_ns();
}

void NetworkProfiler::begin_indicators() {
  first_call_ = calls_.size();
  start_ns_ = now_ns();
}

void NetworkProfiler::end_indicators(const char* name) {
  std::int64_t host_ns = now_ns() - start_ns_;
  for (std::size_t i = first_call_; i < calls_.size(); ++i) {
    calls_[i].stage = name;
    host_ns -= calls_[i].duration_ns;
  }
  TimedCall& host = calls_.emplace_back();
  host.call.primitive = "on the host";
  host.stage = name;
  host.start_ns = start_ns_;
  host.duration_ns = host_ns;
}

void NetworkProfiler::end_network() {
  network_.duration_ns = now_ns() - network_.start_ns;
  network_.calls.swap(calls_);
  profile_.add(network_);
}

}  // namespace rlnas
