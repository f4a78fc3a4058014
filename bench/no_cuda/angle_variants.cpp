#include "bench/angle_method.h"

namespace rlnas::bench {

std::vector<AngleMethodKind> own_angle_methods() {
  return {};
}

}  // namespace rlnas::bench
