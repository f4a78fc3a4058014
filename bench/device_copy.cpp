#include "bench/device_copy.h"

#include <algorithm>

#include "bench/device.h"
#include "engine/device_bytes.h"

namespace rlnas::bench {

double device_copy_gbs(Backend& backend, std::size_t bytes) {
  constexpr int kRounds = 3;
  constexpr std::size_t kBytesATiming = std::size_t{4} << 30;
  const std::size_t half = std::max<std::size_t>(bytes / 2, 1);
  const int calls = int(std::clamp<std::size_t>(kBytesATiming / half, 2, std::size_t(calls_a_timing())));
  const DeviceBytes from(backend, half), to(backend, half);
  const auto copy = [&](int) { queue_device_copy(backend, to.as<char>(), from.as<char>(), half); };
  seconds_a_call(backend, 1, copy);
  double best_s = seconds_a_call(backend, calls, copy);
  for (int round = 1; round < kRounds; ++round)
    best_s = std::min(best_s, seconds_a_call(backend, calls, copy));
  return 2.0 * double(half) / best_s / 1e9;
}

}  // namespace rlnas::bench
