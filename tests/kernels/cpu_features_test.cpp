// Whether the kernels' instructions are there is asked before any of them runs.
#include "kernels/cpu_features.h"

#include <doctest/doctest.h>

#include "tests/support/errors.h"

namespace rlnas::test {
namespace {

CpuFeatures set_of(std::initializer_list<const char*> names) {
  CpuFeatures set = 0;
  for (const char* const name : names) {
    CAPTURE(std::string(name));
    REQUIRE(cpu_feature(name) != 0);
    set |= cpu_feature(name);
  }
  return set;
}

}  // namespace

TEST_CASE("a CPU that lacks what the kernels need is told what to build") {
  if (cpu_feature("avx2") == 0) return;  // no x86: nothing has a name
  const CpuFeatures v2 = set_of({"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt"});
  const CpuFeatures v3 = v2 | set_of({"avx", "avx2", "fma", "bmi", "bmi2"});
  const CpuFeatures v4 = v3 | set_of({"avx512f", "avx512cd", "avx512dq", "avx512bw", "avx512vl"});
  const auto text = [](CpuFeatures required, CpuFeatures present) {
    return std::string(cpu_complaint(required, present).text);
  };
  CHECK(text(0, 0).empty());
  CHECK(text(v3, v3).empty());
  CHECK(text(v3, v4).empty());
  CHECK(text(v4, v3) ==
        "this CPU has no avx512f, which the kernels were compiled for; build with -DRLNAS_MARCH=x86-64-v3, "
        "or native "
        "on this machine");
  CHECK(contains(text(v3, v2), "no avx, "));
  CHECK(contains(text(v3, v2), "-DRLNAS_MARCH=x86-64-v2,"));
  CHECK(contains(text(v3, v3 & ~cpu_feature("fma")), "no fma, "));
  CHECK(contains(text(v3, v3 & ~cpu_feature("fma")), "-DRLNAS_MARCH=x86-64-v2,"));
  CHECK(contains(text(v2, 0), "-DRLNAS_MARCH=x86-64,"));
  // One that has more than a level and lacks something of its own.
  CHECK(contains(text(v4 | set_of({"avx512vnni"}), v4), "no avx512vnni, "));
  CHECK(contains(text(v4 | set_of({"avx512vnni"}), v4), "-DRLNAS_MARCH=x86-64-v4,"));
}

TEST_CASE("what these kernels were compiled for is what their vectors say, and this machine has it") {
#ifdef __x86_64__
  CHECK(machine_cpu_features() != 0);  // sse3 at the least
#endif
  CHECK(std::string(cpu_complaint(kKernelCpuFeatures, machine_cpu_features()).text).empty());
}

}  // namespace rlnas::test
