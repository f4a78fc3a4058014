// The profiling backend: the inner backend's results, every call written down once with its cost and place.
#include <doctest/doctest.h>

#include <set>

#include "kernels/dry/dry_backend.h"
#include "kernels/profile/profiling_backend.h"
#include "tests/kernels/case_table.h"

namespace rlnas::test {
namespace {

std::vector<Output> run(const Case& test, Backend& backend) {
  Harness harness(backend, test.name);
  test.run(harness);
  std::vector<Output> outputs = harness.finish();
  CHECK(harness.damage().empty());
  return outputs;
}

bool is_copy(const TimedCall& timed) {
  return timed.call.primitive == "upload" || timed.call.primitive == "download";
}

}  // namespace

TEST_CASE("a profiled backend gives the bits of the one inside, and times every primitive") {
  const auto cpu = make_cpu_backend({.threads = 2});
  std::vector<TimedCall> calls;
  const auto profiled = make_profiling_backend(*cpu, &calls);
  CHECK(profiled->description() == cpu->description());
  std::set<std::string> seen;
  for (const Case& test : all_cases()) {
    CAPTURE(test.name);
    const std::vector<Output> expected = run(test, *cpu);
    calls.clear();
    const std::vector<Output> got = run(test, *profiled);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i].bytes == expected[i].bytes);
    std::int64_t end_ns = 0;
    for (const TimedCall& timed : calls) {
      CHECK(timed.start_ns >= end_ns);
      CHECK(timed.duration_ns >= 0);
      end_ns = timed.start_ns + timed.duration_ns;
      seen.insert(timed.call.primitive);
    }
  }
#define RLNAS_NAME(Primitive) Primitive::kName,
  CHECK(seen == std::set<std::string>{"upload", "download", RLNAS_PRIMITIVES(RLNAS_NAME)});
#undef RLNAS_NAME
}

TEST_CASE("calls carry the stage and the pass they were made in") {
  const auto cpu = make_cpu_backend({.threads = 1});
  std::vector<TimedCall> calls;
  const auto profiled = make_profiling_backend(*cpu, &calls);
  float* const memory = static_cast<float*>(profiled->allocate(64));
  profiled->run(Fill{.count = 16, .value = 1.0f, .y = memory});
  profiled->begin_stage("stem", Direction::forward);
  profiled->run(Fill{.count = 16, .value = 1.0f, .y = memory});
  profiled->begin_stage("head", Direction::backward);
  profiled->run(Add{.count = 8, .x = memory, .y = memory + 8, .store = Store::accumulate});
  profiled->release(memory);
  REQUIRE(calls.size() == 3);
  CHECK(std::string(calls[0].stage).empty());
  CHECK(std::string(calls[1].stage) == "stem");
  CHECK(calls[1].direction == Direction::forward);
  CHECK(std::string(calls[2].stage) == "head");
  CHECK(calls[2].direction == Direction::backward);
  CHECK(calls[2].call.flops == 8);
  CHECK(calls[2].call.bytes == 3 * 8 * 4);
}

TEST_CASE("the cost of a fused convolution with batch norm is that of its parts, its bytes one pass") {
  const ConvNormSpec spec{.conv = {2, 8, 6, 6, 16, 3, 1, 1, 1, 1}};
  const std::uint64_t in = 2 * 6 * 6 * 8, out = 2 * 6 * 6 * 16, weights = 16 * 8 * 9;
  const RecordedCall forward = ConvNormForward{.spec = spec}.cost();
  CHECK(forward.flops == 2 * out * 8 * 9 + 4 * out);
  CHECK(forward.bytes == 4 * (in + out + weights));

  float memory = 0.0f;
  ConvNormBackward call{.spec = spec, .dw = &memory};
  CHECK(call.cost().bytes == 4 * (2 * out + in + weights));
  call.dx = &memory;
  ConvNormBackward without_weights = call;
  without_weights.dw = nullptr;
  CHECK(call.cost().flops - without_weights.cost().flops == 2 * out * 8 * 9);
  CHECK(call.cost().bytes - without_weights.cost().bytes == 4 * weights);
  for (const Store store : {Store::overwrite, Store::accumulate}) {
    call.store = store;
    const std::uint64_t dx = store == Store::accumulate ? 2 * in : in;
    const RecordedCall backward = call.cost();
    CHECK(backward.bytes == 4 * (2 * out + in + dx + 2 * weights));
    // The default, on paper: the primitives one after the other.
    std::vector<RecordedCall> parts;
    const auto dry = make_dry_backend(&parts, nullptr);
    const std::size_t bytes = dry->workspace_bytes(call);
    dry->run(call, {dry->allocate(bytes), bytes});
    std::uint64_t flops = 0;
    for (const RecordedCall& part : parts) flops += part.flops;
    CHECK(parts.size() == 4);
    CHECK(backward.flops == flops);
  }
  // An input that is normalised on the way costs its arithmetic and no pass.
  ConvNormSpec normalises = spec;
  normalises.normalises_input = true;
  CHECK(ConvNormForward{.spec = normalises}.cost().flops == forward.flops + 2 * in);
  CHECK(ConvNormForward{.spec = normalises}.cost().bytes == forward.bytes);
}

TEST_CASE("the optimiser's traffic is counted by the state of each segment") {
  const auto cpu = make_cpu_backend({.threads = 1});
  std::vector<TimedCall> calls;
  const auto profiled = make_profiling_backend(*cpu, &calls);
  const std::vector<SegmentBlock> blocks = {{0, 16, 0}, {16, 32, 1}, {48, 64, 2}};
  const std::vector<SegmentState> states = {SegmentState::sampled, SegmentState::coasting,
                                            SegmentState::untouched};
  std::vector<float> gradient(112, 1.0f), momentum(112, 0.5f), weights(112, 2.0f);
  profiled->run(SgdStep{.spec = {.learning_rate = 0.1f},
                        .blocks = blocks.data(),
                        .block_count = 3,
                        .states = states.data(),
                        .gradient = gradient.data(),
                        .momentum = momentum.data(),
                        .weights = weights.data()});
  REQUIRE(calls.size() == 1);  // reading the tables is the profiler's own business
  CHECK_FALSE(is_copy(calls[0]));
  CHECK(calls[0].call.bytes == 4 * (5 * 16 + 4 * 32));
  CHECK(calls[0].call.flops == 7 * 16 + 6 * 32);
}

}  // namespace rlnas::test
