// Compiled with the kernels' flags.
#include "kernels/cpu_feature_list.h"
#include "kernels/cpu_features.h"

namespace rlnas {

// A macro that is defined, as 1, is no longer its own name.
#define RLNAS_TEXT(macro) #macro
#define RLNAS_IF_DEFINED(name, macro) set |= CpuFeatures{RLNAS_TEXT(macro)[0] == '1'} << bit++;

constinit const CpuFeatures kKernelCpuFeatures = [] {
  CpuFeatures set = 0;
  int bit = 0;
  RLNAS_CPU_FEATURES(RLNAS_IF_DEFINED)
  return set;
}();

}  // namespace rlnas
