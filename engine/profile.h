// Where the time of a training step goes: timed calls summed up by kind of operation and by stage of the
// network, and what each could take at best on this machine. Pure data; profile_report.h writes it out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/profile/profiling_backend.h"

namespace rlnas {

// The device's limits that a call can run into; 0: not known. Units: GFLOP/s and GB/s (1e9), that is FLOPs
// and bytes a nanosecond.
struct ProfileLimits {
  double fma_gflops = 0.0;
  double memory_gbs = 0.0;
  double cache_gbs = 0.0;         // for calls whose operands fit the cache
  std::uint64_t cache_bytes = 0;  // all cores' private caches together

  bool known() const { return fma_gflops > 0.0 && memory_gbs > 0.0; }
  double flops_time_ns(const RecordedCall& call) const;  // 0 when nothing is known
  double bytes_time_ns(const RecordedCall& call) const;
};

// Measures this machine, in under 0.3 s. threads: those the kernels run on; 0, a device that is not this
// machine: nothing is known.
ProfileLimits measure_profile_limits(int threads);

struct ProfiledStep {
  std::int64_t step = 0;      // its number in the run, from 1
  std::int64_t start_ns = 0;  // steady clock
  std::int64_t duration_ns = 0;
  std::int64_t data_wait_ns = 0;  // at its start
  std::vector<TimedCall> calls;
};

struct ProfileRow {
  std::string name;
  std::string stage = {};  // of a row by stage: without the direction
  std::int64_t calls = 0;
  std::int64_t time_ns = 0;
  std::uint64_t flops = 0;
  std::uint64_t bytes = 0;
  // The least time the calls could take: flops/peak or bytes/bandwidth, the longer of the two, summed over
  // the calls that each of the two binds.
  double flops_bound_ns = 0.0;
  double bytes_bound_ns = 0.0;

  void add(const RecordedCall& call, std::int64_t duration_ns, const ProfileLimits& limits);
  void add(const ProfileRow& other);
};

struct Profile {
  ProfileLimits limits;
  std::int64_t steps = 0;
  std::int64_t data_wait_ns = 0;
  // Its time is that of whole steps, calls or not; its name what the report calls a step.
  ProfileRow total{.name = "step"};
  std::vector<ProfileRow> ops;     // by primitive, convolutions also by the size of their filter
  std::vector<ProfileRow> stages;  // in network order, each forward, then backward

  void add(const ProfiledStep& step);
  void add(const Profile& other);  // of another worker under the same limits
};

}  // namespace rlnas
