// Learning-rate schedules of the published recipes.
#pragma once

#include <cmath>
#include <numbers>

namespace rlnas {

// Constant inside epoch e = 0..epochs-1 (method.md 3.3): from `initial` down towards `minimum`.
inline double cosine_learning_rate(double initial, double minimum, int epoch, int epochs) {
  return minimum + (initial - minimum) * (1.0 + std::cos(std::numbers::pi * epoch / epochs)) / 2.0;
}

}  // namespace rlnas
