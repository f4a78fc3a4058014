#include "kernels/cpu_features.h"

#include <cstdio>
#include <cstring>

#include "kernels/cpu_feature_list.h"

namespace rlnas {
namespace {

#define RLNAS_NAME(name, macro) name,
constexpr const char* kNames[] = {RLNAS_CPU_FEATURES(RLNAS_NAME)};

struct Level {  // a value of -march, and what it adds to the one before
  const char* march;
  const char* added[6];
};
constexpr Level kLevels[] = {{"x86-64-v2", {"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt"}},
                             {"x86-64-v3", {"avx", "avx2", "fma", "bmi", "bmi2"}},
                             {"x86-64-v4", {"avx512f", "avx512cd", "avx512dq", "avx512bw", "avx512vl"}}};

// The highest level that a CPU with these runs.
const char* march_for(CpuFeatures present) {
  const char* best = "x86-64";
  for (const Level& level : kLevels) {
    for (const char* const* name = level.added; *name != nullptr; ++name)
      if ((present & cpu_feature(*name)) == 0) return best;
    best = level.march;
  }
  return best;
}

}  // namespace

CpuFeatures machine_cpu_features() {
  __builtin_cpu_init();
  CpuFeatures set = 0;
  int bit = 0;
#define RLNAS_IF_PRESENT(name, macro) set |= CpuFeatures{__builtin_cpu_supports(name) != 0} << bit++;
  RLNAS_CPU_FEATURES(RLNAS_IF_PRESENT)
  return set;
}

CpuFeatures cpu_feature(const char* name) {
  CpuFeatures bit = 1;
  for (const char* const known : kNames) {
    if (std::strcmp(name, known) == 0) return bit;
    bit <<= 1;
  }
  return 0;
}

CpuComplaint cpu_complaint(CpuFeatures required, CpuFeatures present) {
  CpuComplaint complaint = {};
  for (const char* const name : kNames) {
    if ((required & ~present & cpu_feature(name)) == 0) continue;
    std::snprintf(complaint.text, sizeof complaint.text,
                  "this CPU has no %s, which the kernels were compiled for; build with -DRLNAS_MARCH=%s, or "
                  "native on this machine",
                  name, march_for(present));
    break;
  }
  return complaint;
}

}  // namespace rlnas
