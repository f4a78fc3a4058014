// The case table on the device against the reference, in each precision, by own kernels and by cuDNN's.
#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "tests/device/agreement.h"
#include "tests/device/capturing_backend.h"
#include "tests/device/device.h"
#include "tests/device/scale.h"
#include "tests/kernels/compare_backends.h"
#include "tests/support/temporary_directory.h"

namespace rlnas::test {
namespace {

std::vector<Case> chosen_of(const std::vector<Case>& cases) {
  std::vector<Case> chosen;
  std::set<std::string> seen;
  for (const Case& test : cases)
    if (seen.insert(test.op).second || device_scale().cases == Cases::all) chosen.push_back(test);
  return chosen;
}

std::vector<Case> chosen_cases() {
  return chosen_of(all_cases());
}

// Sums of up to some hundred products of rounded numbers, and in bf16 the results rounded: on the simulated
// device, which rounds likewise, the worst element of the table is 10.6 roundings off.
constexpr double kRoundings = 24.0;

bool multiplies(const Case& test) {
  return test.op == "conv" || test.op == "conv_norm" || test.op == "linear";
}

void check_cases(std::vector<Case> cases, Precision precision, NormAndPool norm_and_pool) {
  for (Case& test : cases)
    if (multiplies(test) && precision != Precision::fp32) {
      test.tolerance += kRoundings * rounding_of(precision);
      test.rounded_apart = 1.0;
    }
  const auto backend = make_cuda_backend({.precision = precision, .norm_and_pool = norm_and_pool});
  compare_with_ref(cases, *backend);
}

void check_same_bits(const std::vector<Output>& got, const std::vector<Output>& expected) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i].bytes == expected[i].bytes);
}

}  // namespace

TEST_CASE("the case table in fp32 by own kernels") {
  RLNAS_NEEDS_DEVICES(1);
  check_cases(chosen_cases(), Precision::fp32, NormAndPool::own);
}
TEST_CASE("the case table in tf32 by own kernels") {
  RLNAS_NEEDS_DEVICES(1);
  check_cases(chosen_cases(), Precision::tf32, NormAndPool::own);
}
TEST_CASE("the case table in bf16 by own kernels") {
  RLNAS_NEEDS_DEVICES(1);
  check_cases(chosen_cases(), Precision::bf16, NormAndPool::own);
}
TEST_CASE("the case table in bf16 with activations stored as bf16") {
  RLNAS_NEEDS_DEVICES(1);
  check_cases(chosen_of(in_bf16(all_cases())), Precision::bf16, NormAndPool::own);
}
TEST_CASE("the case table in bf16 with activations stored so, norm and pooling by cuDNN") {
  RLNAS_NEEDS_DEVICES(1);
  check_cases(chosen_of(in_bf16(all_cases())), Precision::bf16, NormAndPool::cudnn);
}
TEST_CASE("the case table in fp32 with norm and pooling by cuDNN") {
  RLNAS_NEEDS_DEVICES(1);
  check_cases(chosen_cases(), Precision::fp32, NormAndPool::cudnn);
}
TEST_CASE("the case table in tf32 with norm and pooling by cuDNN") {
  RLNAS_NEEDS_DEVICES(1);
  check_cases(chosen_cases(), Precision::tf32, NormAndPool::cudnn);
}
TEST_CASE("the case table in bf16 with norm and pooling by cuDNN") {
  RLNAS_NEEDS_DEVICES(1);
  check_cases(chosen_cases(), Precision::bf16, NormAndPool::cudnn);
}

// CTest gives each case a process of its own, so that nothing has loaded the kernels before.
TEST_CASE("every primitive may run for the first time inside a capture") {
  RLNAS_NEEDS_DEVICES(1);
  const auto captured = make_cuda_backend({.graph_capture = GraphCapture::stages});
  CapturingBackend capturing(*captured);
  const auto direct = make_cuda_backend({});
  for (const Case& test : chosen_cases()) {
    CAPTURE(test.name);
    const std::vector<Output> got = run_case(test, capturing);
    check_same_bits(got, run_case(test, *direct));
  }
  CHECK(capturing.calls() > 0);
}

TEST_CASE("plans made from the device's properties and plans restored from disk give the same bits") {
  RLNAS_NEEDS_DEVICES(1);
  const TemporaryDirectory directory;
  for (const Precision precision : {Precision::fp32, Precision::bf16})
    for (const Case& test : chosen_cases()) {
      if (!multiplies(test)) continue;
      CAPTURE(test.name);
      const std::vector<Output> made = run_case(test, *make_cuda_backend({.precision = precision}));
      for (int start = 0; start < 2; ++start)
        check_same_bits(
            run_case(test, *make_cuda_backend({.precision = precision, .plan_directory = directory.path()})),
            made);
    }
}

TEST_CASE("a case has the same bits when it is run again") {
  RLNAS_NEEDS_DEVICES(1);
  const auto backend = make_cuda_backend({});
  for (const Case& test : chosen_cases()) {
    CAPTURE(test.name);
    check_same_bits(run_case(test, *backend), run_case(test, *backend));
  }
}

}  // namespace rlnas::test
