// A convolution's operands, its three results by the double-precision reference, and how far others are off.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels/backend.h"
#include "tests/kernels/guarded.h"

namespace rlnas::test {

struct ReferenceConv {
  ReferenceConv(const ConvSpec& spec, RandomStream& random)
      : x(random_floats(random, spec.in_count())),
        w(random_floats(random, spec.weight_count())),
        dy(random_floats(random, spec.out_count())),
        y(dy.size()),
        dx(x.size()),
        dw(w.size()) {
    const auto ref = make_ref_backend();
    ref->run(ConvForward{.spec = spec, .x = x.data(), .w = w.data(), .y = y.data()});
    ref->run(ConvBackwardData{.spec = spec, .dy = dy.data(), .w = w.data(), .dx = dx.data()});
    ref->run(ConvBackwardWeights{.spec = spec, .x = x.data(), .dy = dy.data(), .dw = dw.data()});
  }

  Floats x, w, dy;
  Floats y, dx, dw;
};

struct Errors {
  double largest = 0.0, rms = 0.0;  // in units of the root mean square of the expected values
};

// Infinite where a value is no number.
inline Errors errors(const Floats& expected, const Floats& got) {
  REQUIRE(got.size() == expected.size());
  double squares = 0.0, error_squares = 0.0, largest = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (!std::isfinite(got[i])) return {INFINITY, INFINITY};
    const double error = double(got[i]) - double(expected[i]);
    squares += double(expected[i]) * double(expected[i]);
    error_squares += error * error;
    largest = std::max(largest, std::abs(error));
  }
  const double scale = std::sqrt(squares / double(got.size()));
  return {largest / scale, std::sqrt(error_squares / double(got.size())) / scale};
}

}  // namespace rlnas::test
