// The programs on an emulated CPU of 2008, which has no AVX.
#include <doctest/doctest.h>

#include <algorithm>

#include "kernels/cpu_features.h"
#include "tests/support/child_process.h"
#include "tests/support/errors.h"

namespace rlnas::test {

TEST_CASE(
    "on a CPU that lacks what the kernels were compiled for every program ends in one line and exit code 4") {
  CpuFeatures nehalem = 0;
  for (const char* const name : {"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt"}) nehalem |= cpu_feature(name);
  const std::string complaint = cpu_complaint(kKernelCpuFeatures, nehalem).text;
  const TemporaryDirectory directory;
  for (const std::string program : {RLNAS_TRAIN, RLNAS_SEARCH}) {
    CAPTURE(program);
    const Outcome outcome = ChildProcess(directory, {RLNAS_QEMU, "-cpu", "Nehalem", program, "--version"},
                                         {"OMP_WAIT_POLICY=passive"})
                                .wait();
    std::string said;  // what the emulator says of features it lacks itself is not the program's
    std::istringstream lines(outcome.err);
    for (std::string line; std::getline(lines, line);)
      if (!line.starts_with("qemu-")) said += line + "\n";
    CAPTURE(outcome.err);
    const std::string name = std::filesystem::path(program).filename();
    CHECK(outcome.exit_code == (complaint.empty() ? 0 : 4));
    CHECK(said == (complaint.empty() ? "" : name + ": " + complaint + "\n"));
    CHECK(outcome.out.empty() != complaint.empty());
  }
}

}  // namespace rlnas::test
