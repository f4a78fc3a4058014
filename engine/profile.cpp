#include "engine/profile.h"

#include <unistd.h>

#include <algorithm>

#include "engine/machine_peaks.h"

namespace rlnas {
namespace {

std::string op_name(const RecordedCall& call) {
  if (!call.conv) return call.primitive;
  const std::string size = std::to_string(call.conv->kernel);
  return call.primitive + " " + size + "x" + size;
}

ProfileRow& op_row(std::vector<ProfileRow>& rows, const std::string& name) {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const ProfileRow& row) { return row.name == name; });
  if (found != rows.end()) return *found;
  rows.push_back({.name = name});
  return rows.back();
}

// A stage's backward row comes behind its forward row, whenever it is first seen.
ProfileRow& stage_row(std::vector<ProfileRow>& rows, const std::string& name, const std::string& stage) {
  auto place = rows.end();
  for (auto row = rows.begin(); row != rows.end(); ++row) {
    if (row->name == name) return *row;
    if (row->stage == stage) place = row + 1;
  }
  return *rows.insert(place, {.name = name, .stage = stage});
}

ProfileRow& stage_row(std::vector<ProfileRow>& rows, const TimedCall& timed) {
  const std::string stage = *timed.stage != '\0' ? timed.stage : "other";
  return stage_row(rows, stage + (timed.direction == Direction::backward ? " backward" : ""), stage);
}

// Bytes of the second-level caches of so many cores.
std::uint64_t private_cache_bytes(int threads) {
  const long size = sysconf(_SC_LEVEL2_CACHE_SIZE);
  const std::uint64_t each = size > 0 ? std::uint64_t(size) : MachinePeaks::kCacheBytesPerThread;
  return each * std::uint64_t(threads);
}

}  // namespace

double ProfileLimits::flops_time_ns(const RecordedCall& call) const {
  return known() ? double(call.flops) / fma_gflops : 0.0;
}

double ProfileLimits::bytes_time_ns(const RecordedCall& call) const {
  if (!known()) return 0.0;
  return double(call.bytes) / (call.bytes <= cache_bytes ? std::max(cache_gbs, memory_gbs) : memory_gbs);
}

ProfileLimits measure_profile_limits(int threads) {
  if (threads == 0) return {};
  const MachinePeaks peaks = measure_machine_peaks(threads);
  return {.fma_gflops = peaks.fma_gflops,
          .memory_gbs = std::max(peaks.memory_read_gbs, peaks.memory_copy_gbs),
          .cache_gbs = peaks.cache_read_gbs,
          .cache_bytes = private_cache_bytes(threads)};
}

void ProfileRow::add(const RecordedCall& call, std::int64_t duration_ns, const ProfileLimits& limits) {
  ++calls;
  time_ns += duration_ns;
  flops += call.flops;
  bytes += call.bytes;
  const double by_flops = limits.flops_time_ns(call), by_bytes = limits.bytes_time_ns(call);
  (by_flops >= by_bytes ? flops_bound_ns : bytes_bound_ns) += std::max(by_flops, by_bytes);
}

void ProfileRow::add(const ProfileRow& other) {
  calls += other.calls;
  time_ns += other.time_ns;
  flops += other.flops;
  bytes += other.bytes;
  flops_bound_ns += other.flops_bound_ns;
  bytes_bound_ns += other.bytes_bound_ns;
}

void Profile::add(const Profile& other) {
  steps += other.steps;
  data_wait_ns += other.data_wait_ns;
  total.add(other.total);
  for (const ProfileRow& row : other.ops) op_row(ops, row.name).add(row);
  for (const ProfileRow& row : other.stages) stage_row(stages, row.name, row.stage).add(row);
}

void Profile::add(const ProfiledStep& step) {
  ++steps;
  data_wait_ns += step.data_wait_ns;
  for (const TimedCall& timed : step.calls) {
    total.add(timed.call, 0, limits);
    op_row(ops, op_name(timed.call)).add(timed.call, timed.duration_ns, limits);
    stage_row(stages, timed).add(timed.call, timed.duration_ns, limits);
  }
  total.time_ns += step.duration_ns;
}

}  // namespace rlnas
