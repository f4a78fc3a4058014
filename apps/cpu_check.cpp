// An object of every program: ends it in one line where the CPU lacks what the kernels were compiled for.
// Before static initialisers, which may be, or be merged by the linker with, code compiled for the kernels.
#include <errno.h>
#include <unistd.h>

#include <cstdio>

#include "kernels/cpu_features.h"
#include "rlnas/error.hpp"

namespace rlnas {
namespace {

constexpr int kFirst = 101;  // of the priorities that are not the compiler's own

[[gnu::constructor(kFirst)]] void check_cpu() {
  const CpuComplaint complaint = cpu_complaint(kKernelCpuFeatures, machine_cpu_features());
  if (complaint.text[0] == '\0') return;
  dprintf(STDERR_FILENO, "%s: %s\n", program_invocation_short_name, complaint.text);
  _exit(int(ErrorCode::device));
}

}  // namespace
}  // namespace rlnas
