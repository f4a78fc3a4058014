// Every own CUDA kernel, as source, against the reference over the shared case table: under all schedules,
// which must agree to the bit, with sanitizers around every buffer.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "engine/philox.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/depthwise.h"
#include "tests/emulation/emulator.h"
#include "tests/emulation/host_device.h"
#include "tests/kernels/compare_backends.h"

namespace rlnas::test {
namespace {

// Both as they are and with activations stored as bf16.
void compare_under_all_schedules(std::vector<Case> cases) {
  REQUIRE(!cases.empty());
  for (Case& test : in_bf16(cases)) cases.push_back(std::move(test));
  const auto ref = make_ref_backend();
  CudaBackend cuda{CudaOptions{}};
  for (const Case& test : cases) {
    CAPTURE(test.name);
    const std::vector<Output> expected = run_case(test, *ref, Guards::sanitizer);
    std::vector<Output> first;
    for (const emulation::Schedule schedule : emulation::kSchedules) {
      CAPTURE(int(schedule));
      emulation::options().schedule = schedule;
      const std::vector<Output> got = run_case(test, cuda, Guards::sanitizer);
      if (first.empty()) {
        check_outputs(test, expected, got);
        first = got;
      }
      for (std::size_t i = 0; i < got.size(); ++i) {
        CAPTURE(got[i].name);
        CHECK(got[i].bytes == first[i].bytes);
      }
    }
  }
}

// The table's convolutions that own kernels do, plain and with batch norm.
std::vector<Case> depthwise_cases() {
  const std::vector<ConvSpec> specs = conv_specs();
  // Each spec in order, then with batch norm, then of a norm, then before an activation, then both.
  const std::vector<Case> cases = conv_cases();
  REQUIRE(cases.size() == 5 * specs.size());
  std::vector<Case> own;
  for (std::size_t i = 0; i < cases.size(); ++i)
    if (is_depthwise(specs[i % specs.size()])) own.push_back(cases[i]);
  return own;
}

}  // namespace

TEST_CASE("emulated kernels equal ref: depthwise convolution") {
  compare_under_all_schedules(depthwise_cases());
}
TEST_CASE("emulated kernels equal ref: batch norm") {
  compare_under_all_schedules(batch_norm_cases());
}
TEST_CASE("emulated kernels equal ref: element-wise") {
  compare_under_all_schedules(elementwise_cases());
}
TEST_CASE("emulated kernels equal ref: pooling") {
  compare_under_all_schedules(pool_cases());
}
TEST_CASE("emulated kernels equal ref: rearranging") {
  compare_under_all_schedules(rearrange_cases());
}
TEST_CASE("emulated kernels equal ref: bias and loss") {
  compare_under_all_schedules(head_cases());
}
TEST_CASE("emulated kernels equal ref: sgd and angle sums") {
  compare_under_all_schedules(buffer_cases());
}
TEST_CASE("emulated kernels equal ref: augmentation") {
  compare_under_all_schedules(augment_cases());
}

TEST_CASE("what a depthwise convolution notes of its input's gradient is what the norm before it would sum") {
  emulation::options().schedule = emulation::Schedule::random_priority;
  CudaBackend cuda{CudaOptions{}};
  RandomStream random(3, "notes");
  const auto floats = [&](std::size_t count, float low, float high) {
    std::vector<float> values(count);
    for (float& value : values) value = low + (high - low) * float(random.uniform());
    return values;
  };
  std::vector<std::byte> scratch;
  const auto run = [&](const ConvNormBackward& call) {
    scratch.resize(cuda.workspace_bytes(call));
    cuda.run(call, {scratch.data(), scratch.size()});
  };
  int variant = 0;
  for (const ConvSpec& filter :
       {ConvSpec{3, 24, 9, 11, 24, 3, 1, 1, 1, 24}, ConvSpec{2, 40, 12, 12, 40, 5, 2, 2, 1, 40},
        ConvSpec{5, 136, 7, 7, 136, 7, 1, 3, 1, 136}, ConvSpec{2, 5, 9, 9, 5, 3, 2, 2, 2, 5}}) {
    CAPTURE(filter.in_channels);
    const int hidden = filter.in_channels;
    const std::size_t channels = std::size_t(hidden);
    const std::vector<float> y = floats(filter.in_count(), -3, 3), z = floats(filter.out_count(), -2, 2),
                             dz = floats(filter.out_count(), -1, 1.2f),
                             w = floats(filter.weight_count(), -1, 1),
                             y_norm = floats(4 * channels, 0.3f, 0.9f),
                             z_norm = floats(4 * channels, 0.2f, 0.5f);
    std::vector<float> dy = floats(filter.in_count(), -1, 1), dw(filter.weight_count());
    ConvNormBackward last{.spec = {.conv = filter, .normalises_input = true},
                          .x = y.data(),
                          .x_norm = ConstBatchNormSaved::at(y_norm.data(), hidden),
                          .x_activation = Activation::relu6,
                          .w = w.data(),
                          .y = z.data(),
                          .saved = ConstBatchNormSaved::at(z_norm.data(), hidden),
                          .dz = dz.data(),
                          .dw = dw.data(),
                          .dx = dy.data(),
                          .store = ++variant % 2 == 0 ? Store::accumulate : Store::overwrite};
    std::vector<std::byte> note(cuda.note_bytes(last));
    REQUIRE(!note.empty());
    last.dx_note = note.data();
    run(last);
    // The norm is that of a matrix product, or of another depthwise filter.
    for (const ConvSpec& before :
         {ConvSpec{filter.batch, 8, filter.in_height, filter.in_width, hidden, 1, 1, 0, 1, 1},
          ConvSpec{filter.batch, hidden, filter.in_height, filter.in_width, hidden, 5, 1, 2, 1, hidden}}) {
      CAPTURE(before.kernel);
      const std::vector<float> x = floats(before.in_count(), -1, 1), v = floats(before.weight_count(), -1, 1);
      std::vector<std::vector<float>> results;
      for (const void* const of_dy :
           {static_cast<const void*>(nullptr), static_cast<const void*>(note.data())}) {
        std::vector<float> dx(before.in_count()), dv(before.weight_count()), dgamma(channels),
            dbeta(channels);
        run({.spec = {.conv = before},
             .x = x.data(),
             .w = v.data(),
             .y = y.data(),
             .saved = last.x_norm,
             .dz = dy.data(),
             .dw = dv.data(),
             .dgamma = dgamma.data(),
             .dbeta = dbeta.data(),
             .dx = dx.data(),
             .dz_note = of_dy});
        for (auto* const result : {&dx, &dv, &dgamma, &dbeta}) results.push_back(std::move(*result));
      }
      for (std::size_t i = 0; i < 4; ++i) {
        double largest = 0.0, apart = 0.0;
        for (std::size_t k = 0; k < results[i].size(); ++k) {
          largest = std::max(largest, std::abs(double(results[i][k])));
          apart = std::max(apart, std::abs(double(results[i][k]) - double(results[4 + i][k])));
        }
        CAPTURE(i);
        CHECK(largest > 0.0);
        CHECK(apart <= 3e-6 * largest);
      }
    }
  }
}

TEST_CASE("emulated kernels equal ref: memory that vector loads cannot use") {
  const auto ref = make_ref_backend();
  CudaBackend cuda{CudaOptions{}};
  emulation::options().schedule = emulation::Schedule::random_priority;
  for (const std::vector<Case>& cases :
       {depthwise_cases(), batch_norm_cases(), elementwise_cases(), pool_cases(), rearrange_cases(),
        buffer_cases(), augment_cases(), in_bf16(depthwise_cases()), in_bf16(batch_norm_cases()),
        in_bf16(elementwise_cases()), in_bf16(pool_cases()), in_bf16(rearrange_cases())})
    for (const Case& test : cases) {
      CAPTURE(test.name);
      const std::vector<Output> expected = run_case(test, *ref, Guards::sanitizer);
      emulation::allocation_offset() = alignof(double);
      const std::vector<Output> got = run_case(test, cuda, Guards::sanitizer);
      emulation::allocation_offset() = 0;
      check_outputs(test, expected, got);
    }
}

}  // namespace rlnas::test
