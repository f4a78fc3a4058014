#include "tests/kernels/compare_backends.h"

#include <doctest/doctest.h>

#include <set>

#include "kernels/profile/profiling_backend.h"

namespace rlnas::test {

std::vector<Output> run_case(const Case& test, Backend& backend, Guards guards) {
  Harness harness(backend, test.name, guards);
  test.run(harness);
  std::vector<Output> outputs = harness.finish();
  for (const std::string& damage : harness.damage()) FAIL_CHECK(backend.description() << ": " << damage);
  return outputs;
}

void check_outputs(const Case& test, const std::vector<Output>& expected, const std::vector<Output>& got) {
  REQUIRE(!expected.empty());
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(got[i].name);
    CHECK(worst_error(expected[i], got[i]) <= test.tolerance);
    CHECK(rounded_apart(expected[i], got[i]) <= test.rounded_apart);
  }
}

std::vector<Case> cases_of_every_primitive() {
#define RLNAS_NAME(Primitive) Primitive::kName,
  std::set<std::string> missing{RLNAS_PRIMITIVES(RLNAS_NAME)};
#undef RLNAS_NAME
  const auto ref = make_ref_backend();
  std::vector<TimedCall> calls;
  const auto profiled = make_profiling_backend(*ref, &calls);
  std::vector<Case> chosen;
  for (const Case& test : all_cases()) {
    calls.clear();
    run_case(test, *profiled);
    std::size_t reached = 0;
    for (const TimedCall& timed : calls) reached += missing.erase(timed.call.primitive);
    if (reached > 0) chosen.push_back(test);
    if (missing.empty()) break;
  }
  CHECK(missing == std::set<std::string>{});
  return chosen;
}

void compare_with_ref(const std::vector<Case>& cases, Backend& backend) {
  REQUIRE(!cases.empty());
  const auto ref = make_ref_backend();
  for (const Case& test : cases) {
    CAPTURE(test.name);
    check_outputs(test, run_case(test, *ref), run_case(test, backend));
  }
}

}  // namespace rlnas::test
