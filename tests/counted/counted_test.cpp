// Pins of what a training step does on a CUDA device, counted on the simulated one: whoever changes it sees
// by how much. After an intended change put the line that the failing case prints in the place of the pinned
// one, and say in the commit what became fewer; docs/cuda_counted.md has the tables that go with it.
#include <cudnn.h>
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "bench/counted/counted_steps.h"
#include "bench/counted/device_limits.h"
#include "kernels/words.h"
#include "tests/simulator/simulator.h"
#include "tests/simulator/stage_program.h"

namespace rlnas::test {
namespace {

using bench::CountedStep;
using simulator::Execution;
using simulator::Policy;
using simulator::Work;

// What a library's calls are assumed to do depends on the engines that this version proposes.
constexpr std::size_t kPinnedCudnn = 91900;

// Sums over the steps' paths.
struct Pin {
  const char* space;
  int batch;
  Precision precision;
  GraphCapture graphs;
  std::int64_t own_kernels, library_calls, copies, queued, captured, host_waits, host_waits_at_once;
  std::int64_t bytes, flops;  // without what is assumed
  std::int64_t library_kernels, assumed_bytes, scratch_bytes;
};

// With graphs: of paths that have come before, whose steps are replayed.
constexpr Pin kPins[] = {
    {"nasbench201", 64, Precision::fp32, GraphCapture::off, 962, 509, 36, 1507, 0, 20, 0, 7471789548,
     82540660440, 841, 1501560832, 16777232},
    {"nasbench201", 64, Precision::fp32, GraphCapture::stages, 962, 509, 36, 127, 0, 20, 0, 7471789548,
     82540660440, 841, 1501560832, 16777232},
    {"nasbench201", 64, Precision::bf16, GraphCapture::off, 966, 509, 36, 1511, 0, 20, 0, 3840305772,
     82540660440, 719, 133959000, 4203536},
    {"darts-cifar", 96, Precision::tf32, GraphCapture::off, 3136, 944, 36, 4116, 0, 20, 0, 33195421172,
     105794000208, 956, 171094264, 39081695},
    {"darts-imagenet", 256, Precision::bf16, GraphCapture::off, 5391, 1658, 116, 7165, 0, 60, 0, 188264808024,
     3033260500032, 1686, 1727944824, 361450000},
    {"mobilenet", 256, Precision::bf16, GraphCapture::off, 962, 512, 116, 1590, 0, 60, 0, 204316446864,
     3947246909264, 516, 1655918720, 926024832},
};

std::string line_of(const Pin& pin) {
  std::ostringstream line;
  line << "{\"" << pin.space << "\", " << pin.batch << ", Precision::" << word_of(pin.precision)
       << ", GraphCapture::" << (pin.graphs == GraphCapture::stages ? "stages" : "off");
  for (const std::int64_t value : {pin.own_kernels, pin.library_calls, pin.copies, pin.queued, pin.captured,
                                   pin.host_waits, pin.host_waits_at_once, pin.bytes, pin.flops,
                                   pin.library_kernels, pin.assumed_bytes, pin.scratch_bytes})
    line << ", " << value;
  line << "},";
  return line.str();
}

Pin pin_of(const Pin& of, const CountedStep& step) {
  const auto sum = [&](double mean) { return std::int64_t(std::llround(mean * double(step.paths.size()))); };
  Pin pin = of;
  pin.own_kernels = sum(step.own_kernels);
  pin.library_calls = sum(step.library_calls);
  pin.copies = sum(step.copies);
  pin.queued = sum(step.queued);
  pin.captured = sum(step.captured);
  pin.host_waits = sum(step.host_waits);
  pin.host_waits_at_once = sum(step.host_waits_at_once);
  pin.bytes = sum(step.all.read_bytes + step.all.written_bytes - step.assumed_bytes);
  pin.flops = sum(step.all.flops);
  if (cudnnGetVersion() != kPinnedCudnn) {
    pin.library_kernels = of.library_kernels;
    pin.assumed_bytes = of.assumed_bytes;
    pin.scratch_bytes = of.scratch_bytes;
    return pin;
  }
  pin.library_kernels = sum(step.library_kernels);
  pin.assumed_bytes = sum(step.assumed_bytes);
  pin.scratch_bytes = std::int64_t(step.scratch_bytes);
  return pin;
}

void check_pins(const std::string& space) {
  for (const Pin& pin : kPins) {
    if (pin.space != space) continue;
    const CountedStep step = bench::count_steps(
        {.space = pin.space, .batch = pin.batch, .precision = pin.precision, .graphs = pin.graphs});
    CHECK(line_of(pin_of(pin, step)) == line_of(pin));
  }
}

simulator::Usage usage_of(Execution execution, GraphCapture graphs) {
  simulator::reset({.policy = Policy::eager, .execution = execution});
  const auto backend = make_cuda_backend({.graph_capture = graphs});
  StageProgram program(*backend);
  for (int round = 0; round < 5; ++round) program.round(round);
  program.result();
  return simulator::usage();
}

}  // namespace

TEST_CASE("a counted step of NAS-Bench-201 does what it did") {
  check_pins("nasbench201");
}

TEST_CASE("a counted step of DARTS does what it did") {
  check_pins("darts-cifar");
  check_pins("darts-imagenet");
}

TEST_CASE("a counted step of MobileNet does what it did") {
  check_pins("mobilenet");
}

TEST_CASE("a device that counts is given the same work as one that computes, and writes each piece down") {
  for (const GraphCapture graphs : {GraphCapture::off, GraphCapture::stages}) {
    const simulator::Usage computed = usage_of(Execution::whole, graphs);
    const simulator::Usage counted = usage_of(Execution::counted, graphs);
    CHECK(counted.queued == computed.queued);
    CHECK(counted.captured == computed.captured);
    CHECK(counted.operations == computed.operations);
    CHECK(counted.host_waits == computed.host_waits);
    CHECK(counted.graph_launches == computed.graph_launches);
    // The operation that launches a graph is no work of its own.
    CHECK(std::int64_t(simulator::work_log().size()) == counted.operations - counted.graph_launches);
  }
}

TEST_CASE("the pass over the weights costs what the states in device memory say") {
  constexpr int kBlocks = 3;
  const SegmentBlock blocks[kBlocks] = {{0, 100, 0}, {100, 200, 1}, {300, 400, 2}};
  const SegmentState states[kBlocks] = {SegmentState::sampled, SegmentState::coasting,
                                        SegmentState::untouched};
  simulator::reset({.policy = Policy::eager, .execution = Execution::counted});
  const auto backend = make_cuda_backend({});
  auto* const memory = static_cast<char*>(backend->allocate(sizeof(blocks) + sizeof(states)));
  auto* const weights = static_cast<float*>(backend->allocate(700 * sizeof(float)));
  backend->upload(memory, blocks, sizeof(blocks));
  backend->upload(memory + sizeof(blocks), states, sizeof(states));
  simulator::clear_work_log();
  backend->run(SgdStep{.spec = {},
                       .blocks = reinterpret_cast<SegmentBlock*>(memory),
                       .block_count = kBlocks,
                       .states = reinterpret_cast<SegmentState*>(memory + sizeof(blocks)),
                       .gradient = weights,
                       .momentum = weights,
                       .weights = weights});
  backend->synchronize();
  REQUIRE(simulator::work_log().size() == 1);
  const Work& work = simulator::work_log().front();
  CHECK(work.name == "sgd_step_kernel");
  CHECK(work.grid.x == kBlocks);
  CHECK(work.cost.read_bytes == 3 * 4 * 100 + 2 * 4 * 200);
  CHECK(work.cost.written_bytes == 2 * 4 * 300);
  backend->release(memory);
  backend->release(weights);
}

TEST_CASE(
    "the least time of work is its bytes or its operations, whichever takes longer, and a gap a kernel") {
  const bench::DeviceLimits& h100 = bench::limits_of("h100_sxm");
  const double gap_s = bench::kGapSeconds;
  Work work{.cost = {std::uint64_t(3.35e9), 0, 1}};
  CHECK(least_seconds(work, h100) == doctest::Approx(1e-3 + gap_s));
  work.cost.flops = std::uint64_t(67e9) * 2;
  CHECK(least_seconds(work, h100) == doctest::Approx(2e-3 + gap_s));
  work.arithmetic = simulator::Arithmetic::bf16;
  CHECK(least_seconds(work, h100) == doctest::Approx(1e-3 + gap_s));
  // A transposition beside the call: its bytes take their time whatever the operations do.
  work.assumed = {std::uint64_t(3.35e8), 0, 0};
  work.kernels = 2;
  work.arithmetic = simulator::Arithmetic::fp32;
  CHECK(least_seconds(work, h100) == doctest::Approx(2e-3 + 1e-4 + 2 * gap_s));
  CHECK_THROWS_AS(bench::limits_of("h100"), Error);
}

}  // namespace rlnas::test
