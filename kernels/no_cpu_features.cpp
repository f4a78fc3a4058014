// Where the architecture has no features to ask for by these names.
#include "kernels/cpu_features.h"

namespace rlnas {

CpuFeatures machine_cpu_features() {
  return 0;
}
CpuFeatures cpu_feature(const char*) {
  return 0;
}
CpuComplaint cpu_complaint(CpuFeatures, CpuFeatures) {
  return {};
}

}  // namespace rlnas
