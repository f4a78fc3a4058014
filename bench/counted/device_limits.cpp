#include "bench/counted/device_limits.h"

#include <algorithm>

#include "kernels/check.h"

namespace rlnas::bench {

const DeviceLimits& limits_of(const std::string& device) {
  for (const DeviceLimits& limits : kDevices)
    if (device == limits.name) return limits;
  fail(ErrorCode::usage, "--device: '", device, "' is not one of h100_sxm, a100_sxm");
}

double least_seconds(const simulator::Work& work, const DeviceLimits& limits) {
  using simulator::WorkKind;
  if (work.kind == WorkKind::copy_to_device || work.kind == WorkKind::copy_to_host) return 0.0;
  const double bytes = double(work.cost.read_bytes) + double(work.cost.written_bytes);
  const double assumed_bytes = double(work.assumed.read_bytes) + double(work.assumed.written_bytes);
  // The kernels that an assumption adds to a library call only move bytes.
  const double call_seconds = std::max((bytes - assumed_bytes) / limits.bytes_per_s,
                                       double(work.cost.flops) / limits.flops_per_s(work.arithmetic));
  return call_seconds + assumed_bytes / limits.bytes_per_s + work.kernels * kGapSeconds;
}

}  // namespace rlnas::bench
