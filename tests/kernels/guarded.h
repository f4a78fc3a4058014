// Buffers for tests of kernels that have no backend around them.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "engine/philox.h"

namespace rlnas::test {

using Floats = std::vector<float>;

// Memory between sentinels; not a number at first, so that reading or leaving what was not written is seen.
class Guarded {
 public:
  explicit Guarded(std::size_t floats)
      : values_(floats + 2 * kGuard, std::numeric_limits<float>::quiet_NaN()) {
    std::fill_n(values_.begin(), kGuard, kSentinel);
    std::fill_n(values_.end() - kGuard, kGuard, kSentinel);
  }
  float* data() { return values_.data() + kGuard; }
  Floats contents() const { return Floats(values_.begin() + kGuard, values_.end() - kGuard); }
  bool intact() const {
    const auto whole = [](float value) { return value == kSentinel; };
    return std::all_of(values_.begin(), values_.begin() + kGuard, whole) &&
           std::all_of(values_.end() - kGuard, values_.end(), whole);
  }

 private:
  static constexpr int kGuard = 32;
  static constexpr float kSentinel = 12345.0f;
  Floats values_;
};

inline Floats random_floats(RandomStream& random, std::size_t count) {
  Floats values(count);
  for (float& value : values) value = random.uniform() * 2.0f - 1.0f;
  return values;
}

}  // namespace rlnas::test
