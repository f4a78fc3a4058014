#include "bench/repeating_backend.h"

#include <cstdio>
#include <utility>

#include "bench/device.h"

namespace rlnas::bench {
namespace {

constexpr std::size_t kMostRepeats = 100;
constexpr std::size_t kFewestRepeats = 9;
constexpr std::int64_t kBudgetNs = 50'000'000;  // for one call, once there are enough repetitions

}  // namespace

std::string call_name(const RecordedCall& call) {
  char megabytes[32];
  std::snprintf(megabytes, sizeof(megabytes), ", %.3g MB", double(call.bytes) / 1e6);
  return call.primitive + " " + call.shape + megabytes;
}

void RepeatingBackend::select(std::string name) {
  selected_ = std::move(name);
  profiled.clear();
  times_ns_.clear();
}

void RepeatingBackend::repeat_selected(const std::function<void(Backend&)>& call) {
  selected_.clear();
  times_ns_.push_back(profiled.back().duration_ns);
  for (std::int64_t spent_ns = 0; times_ns_.size() < kMostRepeats;) {
    if (times_ns_.size() > kFewestRepeats && spent_ns > kBudgetNs) break;
    const double call_s = seconds_a_call(measured_, together_, [&](int) { call(measured_); });
    times_ns_.push_back(std::int64_t(1e9 * call_s));
    spent_ns += times_ns_.back() * together_;
  }
}

}  // namespace rlnas::bench
