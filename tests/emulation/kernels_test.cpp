// Every own CUDA kernel, as source, against the reference over the shared case table: under all schedules,
// which must agree to the bit, with sanitizers around every buffer.
#include <doctest/doctest.h>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/depthwise.h"
#include "tests/emulation/emulator.h"
#include "tests/emulation/host_device.h"
#include "tests/kernels/compare_backends.h"

namespace rlnas::test {
namespace {

void compare_under_all_schedules(const std::vector<Case>& cases) {
  REQUIRE(!cases.empty());
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
  const std::vector<Case> cases = conv_cases();  // each spec in order, then with batch norm, then of a norm
  REQUIRE(cases.size() == 3 * specs.size());
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

TEST_CASE("emulated kernels equal ref: memory that vector loads cannot use") {
  const auto ref = make_ref_backend();
  CudaBackend cuda{CudaOptions{}};
  emulation::options().schedule = emulation::Schedule::random_priority;
  for (const std::vector<Case>& cases : {depthwise_cases(), batch_norm_cases(), elementwise_cases(),
                                         pool_cases(), rearrange_cases(), buffer_cases(), augment_cases()})
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
