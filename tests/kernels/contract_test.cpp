// The recording backend, backend creation and clear errors.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "engine/philox.h"
#include "kernels/dry/dry_backend.h"

namespace rlnas::test {
namespace {

constexpr ConvSpec kConv{64, 16, 32, 32, 16, 3, 1, 1, 1, 1};

ErrorCode code_of(const auto& body) {
  try {
    body();
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.code();
  }
  FAIL("nothing was thrown");
  return ErrorCode::run_failed;
}

}  // namespace

TEST_CASE("a dry run writes calls down and touches no memory") {
  std::vector<RecordedCall> calls;
  const auto cpu = make_cpu_backend({.threads = 2});
  const auto dry = make_dry_backend(&calls, cpu.get());
  const std::size_t huge = std::size_t{64} << 30;  // more than a small machine has
  float* const memory = static_cast<float*>(dry->allocate(huge));
  dry->run(ConvForward{.spec = kConv, .x = memory, .w = memory, .y = memory});
  AffineSumSpec sum;
  sum.rows = 4096;
  sum.channels = 64;
  sum.term_count = 2;
  dry->run(AffineSum{.spec = sum, .activated = memory});
  dry->run(AvgPoolBackward{
      .spec = {64, 16, 32, 32, 3, 1, 1}, .dy = memory, .dx = memory, .store = Store::accumulate});
  float host = 3.0f;
  dry->download(&host, memory, sizeof(host));
  CHECK(host == 0.0f);
  dry->release(memory);

  REQUIRE(calls.size() == 3);
  CHECK(calls[0].primitive == "conv_forward");
  CHECK(calls[0].shape == "[64,32,32,16] 3x3 s1 -> 16");
  CHECK(calls[0].flops == 2ull * 64 * 32 * 32 * 16 * 16 * 9);
  CHECK(calls[0].bytes == 4ull * (2 * 64 * 32 * 32 * 16 + 16 * 16 * 9));
  REQUIRE(calls[0].conv.has_value());
  CHECK(*calls[0].conv == kConv);
  CHECK(calls[1].primitive == "affine_sum");
  CHECK(calls[1].shape == "[4096,64] x2");
  CHECK(calls[1].bytes == 4ull * 3 * 4096 * 64);
  CHECK_FALSE(calls[1].conv.has_value());
  CHECK(calls[2].bytes == 4ull * 3 * 64 * 32 * 32 * 16);
  CHECK(dry->workspace_bytes(ConvForward{.spec = kConv}) == cpu->workspace_bytes(ConvForward{.spec = kConv}));
  CHECK(dry->workspace_bytes(ConvBackwardData{.spec = kConv}) ==
        cpu->workspace_bytes(ConvBackwardData{.spec = kConv}));
  CHECK(dry->workspace_bytes(ConvBackwardWeights{.spec = kConv}) ==
        cpu->workspace_bytes(ConvBackwardWeights{.spec = kConv}));
  CHECK(make_dry_backend(nullptr, nullptr)->workspace_bytes(ConvForward{.spec = kConv}) == 0);
}

TEST_CASE("cpu memory is aligned, large blocks too, and holds what is written") {
  const auto cpu = make_cpu_backend({.threads = 1});
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{65}, (std::size_t{2} << 20) - 1,
                                  std::size_t{2} << 20, (std::size_t{5} << 20) + 3}) {
    char* const memory = static_cast<char*>(cpu->allocate(bytes));
    REQUIRE(memory != nullptr);
    CHECK(reinterpret_cast<std::uintptr_t>(memory) % 64 == 0);
    std::memset(memory, 0x5A, bytes);
    CHECK((bytes == 0 || (memory[0] == 0x5A && memory[bytes - 1] == 0x5A)));
    cpu->release(memory);
  }
  cpu->release(nullptr);
}

TEST_CASE("bad requests end in one clear line of the right code") {
  const auto cpu = make_cpu_backend({.threads = 1});
  CHECK(code_of([] { make_cuda_backend({.device = 1000}); }) == ErrorCode::device);
  CHECK(code_of([] { make_cpu_backend({.threads = -1}); }) == ErrorCode::usage);
  CHECK(code_of([&] { cpu->allocate(std::size_t{1} << 60); }) == ErrorCode::device);
  float value[16] = {};
  CHECK(code_of([&] { cpu->run(ConvForward{.spec = kConv, .x = value, .w = value, .y = value}); }) ==
        ErrorCode::run_failed);
  CHECK(code_of([&] {
          cpu->workspace_bytes(ConvForward{.spec = {1, 16, 2, 2, 16, 5, 1, 0, 1, 1}});
        }) == ErrorCode::run_failed);
  CHECK(code_of([&] {
          cpu->workspace_bytes(ConvForward{.spec = {1, 16, 8, 8, 16, 3, 1, 1, 1, 3}});
        }) == ErrorCode::run_failed);
  CHECK(code_of([&] {
          cpu->run(AvgPoolForward{.spec = {1, 16, 8, 8, 3, 1, 2}, .x = value, .y = value});
        }) == ErrorCode::run_failed);
  const std::int32_t label = 10;
  LossSums sums;
  CHECK(code_of([&] {
          cpu->run(CrossEntropy{.spec = {1, 10, 0.0f}, .logits = value, .labels = &label, .sums = &sums});
        }) == ErrorCode::run_failed);
}

TEST_CASE("not-a-number goes through every forward pass, so that a diverging run is seen") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto ref = make_ref_backend(), cpu = make_cpu_backend({.threads = 1});
  for (Backend* const backend : {ref.get(), cpu.get()}) {
    std::vector<float> x(16, nan), y(16);
    AffineSumSpec sum;
    sum.rows = 1;
    sum.channels = 16;
    sum.term_count = 1;
    sum.terms[0].x = x.data();
    for (const Activation activation : {Activation::none, Activation::relu, Activation::relu6}) {
      sum.activation = activation;
      backend->run(AffineSum{.spec = sum, .activated = y.data()});
      for (const float value : y) CHECK(std::isnan(value));
    }
    std::vector<std::uint8_t> index(16);
    backend->run(
        MaxPoolForward{.spec = {1, 16, 1, 1, 3, 1, 1}, .x = x.data(), .y = y.data(), .index = index.data()});
    CHECK(std::isnan(y[0]));
    const std::int32_t label = 0;
    LossSums sums;
    backend->run(CrossEntropy{.spec = {1, 16, 0.0f}, .logits = x.data(), .labels = &label, .sums = &sums});
    CHECK(std::isnan(sums.loss));
  }
}

TEST_CASE("angle sums of a checkpoint have the same bits alone and among others, wherever it stands") {
  constexpr int kMost = TakeAngleSums::kMaxCheckpoints, kFloats = 20'000;
  const auto cpu = make_cpu_backend({.threads = 2});
  RandomStream random(3, "checkpoints");
  std::vector<std::vector<float>> weights(kMost + 1, std::vector<float>(kFloats));
  for (std::vector<float>& buffer : weights)
    for (float& weight : buffer) weight = 1.0f / (random.uniform() + 0.01f);  // whose sums get rounded
  const std::vector<SegmentBlock> blocks = {{0, 8192, 0},  {8192, 8192, 0}, {16384, 33, 0},
                                            {16432, 7, 1}, {16448, 16, 2},  {16464, 3001, 3}};
  constexpr int kSegments = 4;
  const auto sums_of = [&](int first, int count) {
    std::vector<AngleSums> sums(std::size_t(count * kSegments));
    TakeAngleSums call{.blocks = blocks.data(),
                       .block_count = int(blocks.size()),
                       .pieces = {},
                       .segment_count = kSegments,
                       .w0 = weights.back().data(),
                       .checkpoint_count = count,
                       .sums = sums.data()};
    for (int c = 0; c < count; ++c) call.w1[std::size_t(c)] = weights[std::size_t(first + c)].data();
    std::vector<AngleSums> scratch(cpu->workspace_bytes(call) / sizeof(AngleSums));
    cpu->run(call, {scratch.data(), scratch.size() * sizeof(AngleSums)});
    return sums;
  };
  for (const int count : {2, 3, kMost}) {
    const std::vector<AngleSums> together = sums_of(0, count);
    for (int c = 0; c < count; ++c) {
      CAPTURE(count);
      CAPTURE(c);
      const std::vector<AngleSums> alone = sums_of(c, 1);
      CHECK(std::memcmp(alone.data(), &together[std::size_t(c * kSegments)], kSegments * sizeof(AngleSums)) ==
            0);
    }
  }
  TakeAngleSums none;
  none.checkpoint_count = 0;
  CHECK(code_of([&] { cpu->run(none); }) == ErrorCode::run_failed);
}

TEST_CASE("sums over blocks are refused where their workspace is a byte short") {
  const auto cpu = make_cpu_backend({.threads = 1});
  const std::vector<float> values(16, 0.5f);
  const SegmentBlock block{0, 16, 0};
  const SegmentState state = SegmentState::sampled;
  GradientNorm norm;
  AngleSums sums, scratch;
  TakeAngleSums angle{.blocks = &block,
                      .block_count = 1,
                      .pieces = {},
                      .segment_count = 1,
                      .w0 = values.data(),
                      .checkpoint_count = 1,
                      .sums = &sums};
  angle.w1[0] = values.data();
  const auto check = [&](const auto& call) {
    const std::size_t bytes = cpu->workspace_bytes(call);
    REQUIRE(bytes > 0);
    REQUIRE(bytes <= sizeof scratch);
    cpu->run(call, {&scratch, bytes});
    CHECK(code_of([&] { cpu->run(call, {&scratch, bytes - 1}); }) == ErrorCode::run_failed);
  };
  check(angle);
  CHECK(sums.dot == 4.0);
  check(TakeGradientNorm{
      .blocks = &block, .block_count = 1, .states = &state, .gradient = values.data(), .norm = &norm});
  CHECK(norm.norm == 2.0);
}

}  // namespace rlnas::test
