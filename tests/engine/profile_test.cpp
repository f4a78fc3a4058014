// Profiles made up by hand: sums, limits, the tables' text, the trace file.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "engine/profile_report.h"
#include "engine/step_profiler.h"

namespace rlnas {
namespace {

TimedCall timed(const char* primitive, const char* stage, Direction direction, std::int64_t start_ns,
                std::int64_t duration_ns, std::uint64_t flops, std::uint64_t bytes) {
  TimedCall result;
  result.call.primitive = primitive;
  result.call.shape = "[2,3]";
  result.call.flops = flops;
  result.call.bytes = bytes;
  result.stage = stage;
  result.direction = direction;
  result.start_ns = start_ns;
  result.duration_ns = duration_ns;
  return result;
}

// One step of 10 ms: 1 ms of waiting, 8 ms in three calls, 1 ms in none. 100 GFLOP/s, 10 GB/s, 40 in cache.
ProfiledStep made_up_step(std::int64_t step, std::int64_t start_ns) {
  ProfiledStep result{
      .step = step, .start_ns = start_ns, .duration_ns = 10'000'000, .data_wait_ns = 1'000'000, .calls = {}};
  TimedCall conv = timed("conv_forward", "stem", Direction::forward, start_ns + 1'000'000, 4'000'000,
                         200'000'000, 4'000'000);  // 2 ms of flops
  conv.call.conv = ConvSpec{.batch = 1, .kernel = 3};
  result.calls.push_back(conv);
  result.calls.push_back(timed("add", "head", Direction::forward, start_ns + 5'000'000, 1'000'000, 0,
                               8'000'000));  // 0.8 ms of bytes
  result.calls.push_back(timed("add", "stem", Direction::backward, start_ns + 6'000'000, 3'000'000, 1'000,
                               40'000));  // 1 us of bytes in cache
  return result;
}

constexpr ProfileLimits kLimits{
    .fma_gflops = 100.0, .memory_gbs = 10.0, .cache_gbs = 40.0, .cache_bytes = 1 << 20};

}  // namespace

TEST_CASE("a profile adds calls up by operation and by stage, against the limit that binds each") {
  Profile profile;
  profile.limits = kLimits;
  profile.add(made_up_step(1, 0));
  profile.add(made_up_step(2, 20'000'000));
  CHECK(profile.steps == 2);
  CHECK(profile.data_wait_ns == 2'000'000);
  CHECK(profile.total.calls == 6);
  CHECK(profile.total.time_ns == 20'000'000);
  REQUIRE(profile.ops.size() == 2);
  CHECK(profile.ops[0].name == "conv_forward 3x3");
  CHECK(profile.ops[0].flops == 400'000'000);
  CHECK(profile.ops[0].flops_bound_ns == doctest::Approx(4e6));
  CHECK(profile.ops[0].bytes_bound_ns == 0.0);
  CHECK(profile.ops[1].calls == 4);
  CHECK(profile.ops[1].time_ns == 8'000'000);
  CHECK(profile.ops[1].bytes_bound_ns == doctest::Approx(2 * (0.8e6 + 1e3)));
  REQUIRE(profile.stages.size() == 3);
  CHECK(profile.stages[0].name == "stem");
  CHECK(profile.stages[1].name == "stem backward");  // beside its forward pass, though it ran last
  CHECK(profile.stages[2].name == "head");
}

TEST_CASE("the report of a made-up profile") {
  Profile profile;
  profile.limits = kLimits;
  profile.add(made_up_step(1, 0));
  profile.add(made_up_step(2, 20'000'000));
  CHECK(profile_report(profile) == R"(where the time of a step goes (mean of 2 steps)
limits measured here: 100 GFLOP/s; 10.0 GB/s, 40 where all operands fit 1.0 MiB
operation         calls        ms    share  GFLOP/s    GB/s  of limit  bound by
conv_forward 3x3    1.0     4.000   40.0 %     50.0     1.0    50.0 %  flops
add                 2.0     4.000   40.0 %      0.0     2.0    20.0 %  bytes
waiting for data            1.000   10.0 %
in no operation             1.000   10.0 %
step                3.0    10.000  100.0 %     20.0     1.2    28.0 %  flops
stage             calls        ms    share  GFLOP/s    GB/s  of limit  bound by
stem                1.0     4.000   40.0 %     50.0     1.0    50.0 %  flops
stem backward       1.0     3.000   30.0 %      0.0     0.0     0.0 %  bytes
head                1.0     1.000   10.0 %      0.0     8.0    80.0 %  bytes
)");
}

TEST_CASE("a report without limits leaves their columns empty, one without steps says so") {
  Profile profile;
  CHECK(profile_report(profile) == "profile: no step was measured; run more\n");
  profile.add(made_up_step(1, 0));
  const std::string report = profile_report(profile);
  CHECK(report.find("limits measured") == std::string::npos);
  CHECK(report.find("conv_forward 3x3") != std::string::npos);
  CHECK(report.find("flops\n") == std::string::npos);
}

TEST_CASE("the trace is JSON of one event a call, in order, inside its step") {
  const std::vector<ProfiledStep> steps = {made_up_step(7, 5'000), made_up_step(8, 20'000'000)};
  const auto trace = nlohmann::json::parse(chrome_trace(steps, kLimits));
  std::vector<nlohmann::json> ops, spans;
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] == "X" && event["cat"] == "op") ops.push_back(event);
    if (event["ph"] == "X" && event["cat"] == "step") spans.push_back(event);
  }
  REQUIRE(ops.size() == 6);
  REQUIRE(spans.size() == 2);
  CHECK(spans[0]["name"] == "step 7");
  CHECK(spans[0]["ts"] == 0.0);
  CHECK(spans[0]["dur"] == 10'000.0);  // us
  CHECK(ops[0]["name"] == "conv_forward");
  CHECK(ops[0]["ts"] == 1'000.0);
  CHECK(ops[0]["dur"] == 4'000.0);
  CHECK(ops[0]["args"]["shape"] == "[2,3]");
  CHECK(ops[0]["args"]["stage"] == "stem");
  CHECK(ops[0]["args"]["GFLOP/s"] == 50.0);
  CHECK(ops[0]["args"]["% of limit"] == 50.0);
  CHECK(ops[0]["args"]["bound by"] == "flops");
  CHECK(ops[2]["args"]["pass"] == "backward");
  CHECK(nlohmann::json::parse(chrome_trace({}, {}))["traceEvents"].size() == 2);  // the names of the tracks
}

TEST_CASE("the step profiler leaves out the warm-up and what runs between steps, and keeps the last steps") {
  const auto cpu = make_cpu_backend({.threads = 1});
  StepProfiler profiler(*cpu, {});
  Backend& backend = profiler.backend();
  float* const memory = static_cast<float*>(backend.allocate(256));
  constexpr int kSteps = StepProfiler::kWarmUpSteps + 6;
  for (int step = 1; step <= kSteps; ++step) {
    backend.run(Fill{.count = 1, .value = 0.0f, .y = memory});  // between two steps
    profiler.begin_step();
    profiler.data_ready();
    for (int i = 0; i < 3; ++i) backend.run(Fill{.count = 8, .value = 0.0f, .y = memory});
    profiler.end_step(step);
  }
  backend.release(memory);
  CHECK(profiler.profile().steps == 6);
  CHECK(profiler.profile().total.calls == 18);
  CHECK(profiler.profile().total.bytes == 18 * 32);
  CHECK(profiler.profile().total.time_ns >= profiler.profile().ops[0].time_ns);
  std::vector<std::string> names;
  int ops = 0;
  const auto trace = nlohmann::json::parse(profiler.trace());
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] != "X") continue;
    if (event["cat"] == "step") names.push_back(event["name"]);
    ops += event["cat"] == "op" ? 1 : 0;
  }
  REQUIRE(names.size() == StepProfiler::kTracedSteps);
  CHECK(names.front() == "step 8");
  CHECK(names.back() == "step 11");
  CHECK(ops == 3 * int(StepProfiler::kTracedSteps));
}

}  // namespace rlnas
