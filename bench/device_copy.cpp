#include "bench/device_copy.h"

#include <algorithm>

#include "bench/device.h"
#include "engine/device_bytes.h"

namespace rlnas::bench {

double device_copy_gbs(Backend& backend, std::size_t bytes) {
  constexpr int kRounds = 5;
  const std::size_t half = bytes / 2;
  const DeviceBytes from(backend, half), to(backend, half);
  const auto copy = [&](int) { queue_device_copy(backend, to.as<char>(), from.as<char>(), half); };
  seconds_a_call(backend, 1, copy);
  double best_s = seconds_a_call(backend, calls_a_timing(), copy);
  for (int round = 1; round < kRounds; ++round)
    best_s = std::min(best_s, seconds_a_call(backend, calls_a_timing(), copy));
  return 2.0 * double(half) / best_s / 1e9;
}

}  // namespace rlnas::bench
