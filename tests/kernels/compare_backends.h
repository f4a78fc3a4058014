// Cases run on a backend, and its results held against the reference's.
#pragma once

#include "tests/kernels/case_table.h"

namespace rlnas::test {

// Damage around the buffers fails the running test.
std::vector<Output> run_case(const Case& test, Backend& backend, Guards guards = Guards::sentinels);

// Fails the running test where `got` is further off than the case allows.
void check_outputs(const Case& test, const std::vector<Output>& expected, const std::vector<Output>& got);

// Of the table, each the first that reaches some primitive. Fails the running test where one is not reached.
std::vector<Case> cases_of_every_primitive();

void compare_with_ref(const std::vector<Case>& cases, Backend& backend);

}  // namespace rlnas::test
