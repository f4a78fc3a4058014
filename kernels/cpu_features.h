// Instructions that a CPU may have or not: what the CPU kernels were compiled for (RLNAS_MARCH) and what this
// machine has. Everything but the kernels is compiled for any CPU of the architecture, these functions in any
// case: they run before it is known that the rest can.
#pragma once

#include <cstdint>

namespace rlnas {

using CpuFeatures = std::uint32_t;  // a bit for each name in kernels/cpu_feature_list.h

// What the kernels need. Plain data: nothing of theirs has to run for it.
extern const CpuFeatures kKernelCpuFeatures;

// What this machine has, and its operating system lets programs use.
CpuFeatures machine_cpu_features();

// The feature of that name, by GCC's and Clang's: "avx2". Errors: 0 for another.
CpuFeatures cpu_feature(const char* name);

// One line on the first feature that is required and not present, and what to build instead; empty when there
// is none. Plain characters, for it is asked for before static initialisers.
struct CpuComplaint {
  char text[200];
};
CpuComplaint cpu_complaint(CpuFeatures required, CpuFeatures present);

}  // namespace rlnas
