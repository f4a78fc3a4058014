// Adam's steps by what follows from its definition.
#include "engine/adam.h"

#include <doctest/doctest.h>

#include <cmath>

namespace rlnas {

TEST_CASE("Adam: a gradient that stays has means of itself, so that every step has the same length") {
  const AdamSpec spec{.learning_rate = 0.25, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 1.0};
  const std::vector<double> gradient{3.0, -0.5, 0.0};
  AdamState state(3);
  std::vector<float> values{1.0f, 1.0f, 1.0f};
  for (int step = 1; step <= 4; ++step) {
    adam_step(spec, gradient, state, values);
    CHECK(state.steps == step);
    CHECK(double(values[0]) == doctest::Approx(1.0 - step * 0.25 * 3.0 / (3.0 + 1.0)).epsilon(1e-6));
    CHECK(double(values[1]) == doctest::Approx(1.0 + step * 0.25 * 0.5 / (0.5 + 1.0)).epsilon(1e-6));
    CHECK(values[2] == 1.0f);
  }
  CHECK(double(state.first[0]) == doctest::Approx(3.0 * (1.0 - std::pow(0.5, 4))).epsilon(1e-6));
  CHECK(double(state.second[0]) == doctest::Approx(9.0 * (1.0 - std::pow(0.75, 4))).epsilon(1e-6));
}

TEST_CASE("Adam: decay is a part of the gradient, and the means forget") {
  const AdamSpec spec{.learning_rate = 0.5, .beta1 = 0.25, .beta2 = 0.5, .weight_decay = 2.0, .epsilon = 0.0};
  AdamState state(1);
  std::vector<float> values{4.0f};
  const double first_gradient[] = {-2.0};  // 6 with the decay
  adam_step(spec, first_gradient, state, values);
  CHECK(double(values[0]) == doctest::Approx(3.5).epsilon(1e-6));
  const double second_gradient[] = {-17.0};  // -10
  adam_step(spec, second_gradient, state, values);
  const double mean = 0.25 * (0.75 * 6.0) + 0.75 * -10.0, square = 0.5 * (0.5 * 36.0) + 0.5 * 100.0;
  CHECK(double(state.first[0]) == doctest::Approx(mean).epsilon(1e-6));
  CHECK(double(state.second[0]) == doctest::Approx(square).epsilon(1e-6));
  CHECK(double(values[0]) ==
        doctest::Approx(3.5 - 0.5 * (mean / (1.0 - 0.0625)) / std::sqrt(square / 0.75)).epsilon(1e-6));
}

}  // namespace rlnas
