#include "bench/device_timer.h"

#include "bench/device.h"

namespace rlnas::bench {

double device_time_s(Backend& backend, const std::function<void()>& queue_work) {
  return seconds_a_call(backend, 1, [&](int) { queue_work(); });
}

void flush_device_cache(Backend&) {}

std::vector<std::pair<std::string, std::string>> device_facts(Backend&) {
  return {};
}

double theoretical_gbs() {
  return 0.0;
}

}  // namespace rlnas::bench
