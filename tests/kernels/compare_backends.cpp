#include "tests/kernels/compare_backends.h"

#include <doctest/doctest.h>

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

void compare_with_ref(const std::vector<Case>& cases, Backend& backend) {
  REQUIRE(!cases.empty());
  const auto ref = make_ref_backend();
  for (const Case& test : cases) {
    CAPTURE(test.name);
    check_outputs(test, run_case(test, *ref), run_case(test, backend));
  }
}

}  // namespace rlnas::test
