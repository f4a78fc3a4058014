// An activation as a clamp.
#pragma once

#include <limits>

#include "rlnas/spec.hpp"

namespace rlnas {

struct Bounds {
  explicit Bounds(Activation activation)
      : low(activation == Activation::none ? -std::numeric_limits<float>::infinity() : 0.0f),
        high(activation == Activation::relu6 ? 6.0f : std::numeric_limits<float>::infinity()) {}
  float low, high;
};

// Keeps NaN, so that a diverging run is seen.
template <class V>
V clamp(V value, V low, V high) {
  value = value < low ? low : value;
  return value > high ? high : value;
}

}  // namespace rlnas
