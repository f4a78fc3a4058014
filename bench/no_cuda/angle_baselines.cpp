#include "bench/angle_method.h"

namespace rlnas::bench {

std::vector<AngleMethodKind> library_angle_methods() {
  return {};
}

}  // namespace rlnas::bench
