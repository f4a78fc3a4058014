#include <doctest/doctest.h>

#include <cmath>

#include "kernels/words.h"
#include "ops/layers.h"

namespace rlnas {

TEST_CASE("the ImageNet recipes' initialisers have the published spreads") {
  // Shapes of a depthwise and a pointwise convolution; fan_in 9 and 32, fan_out 9 * 32 and 48.
  const auto spread = [](Initializer initializer, int part) {  // largest value, and root of the mean square
    ModelBuilder builder(initializer);
    builder.conv("dw", {.in_channels = 512, .out_channels = 512, .kernel = 3, .groups = 512});
    builder.conv("pw", {.in_channels = 32, .out_channels = 480});
    builder.linear("classifier", 64, 100);
    const std::vector<float> values = builder.initial_parameters(3);
    const Segment& segment = builder.parameters()[part];
    double largest = 0.0, square = 0.0;
    for (std::int64_t i = 0; i < segment.count; ++i) {
      const double w = values[std::size_t(segment.offset + i)];
      largest = std::max(largest, std::abs(w));
      square += w * w;
    }
    return std::pair{largest, std::sqrt(square / double(segment.count))};
  };
  const double by_9 = std::sqrt(6.0 / 9.0), by_32 = std::sqrt(6.0 / 32.0);
  CHECK(spread(Initializer::kaiming_fan_in, 0).first == doctest::Approx(by_9).epsilon(0.01));
  CHECK(spread(Initializer::kaiming_fan_in, 1).first == doctest::Approx(by_32).epsilon(0.01));
  CHECK(spread(Initializer::kaiming_fan_in, 1).second ==
        doctest::Approx(by_32 / std::sqrt(3.0)).epsilon(0.03));
  CHECK(spread(Initializer::kaiming_fan_in, 2).second == doctest::Approx(0.01).epsilon(0.05));
  CHECK(spread(Initializer::kaiming_fan_in, 3).first == 0.0);
  const double dw = std::sqrt(2.0 / (9.0 * 512.0)), pw = std::sqrt(2.0 / 480.0);
  CHECK(spread(Initializer::normal_fan_out, 0).second == doctest::Approx(dw).epsilon(0.05));
  CHECK(spread(Initializer::normal_fan_out, 0).first > 3.0 * dw);  // it has tails
  CHECK(spread(Initializer::normal_fan_out, 1).second == doctest::Approx(pw).epsilon(0.03));
  CHECK(spread(Initializer::normal_fan_out, 2).first == doctest::Approx(1.0 / 8.0).epsilon(0.01));
  CHECK_THROWS_AS(parse_word<Initializer>("--initializer", "xavier"), Error);
}

TEST_CASE("the builder lays tensors out under the given names and initialises them as PyTorch does") {
  ModelBuilder builder;
  const Conv2d conv =
      builder.conv("c", {.in_channels = 16, .out_channels = 32, .kernel = 3, .padding = 1}, {1, 2, 3});
  const BatchNorm affine = builder.batch_norm("n", 32, Affine::yes);
  const BatchNorm plain = builder.batch_norm("p", 32, Affine::no);
  const Linear linear = builder.linear("l", 64, 10);
  CHECK(builder.parameters()[conv.weight].name == "c.weight");
  CHECK(builder.parameters()[conv.weight].edge == 2);
  CHECK(builder.parameters()[affine.gamma].name == "n.weight");
  CHECK(plain.gamma == -1);
  CHECK(builder.statistics()[plain.running_var].name == "p.running_var");
  CHECK(builder.parameters()[linear.bias].shape == std::vector<std::int64_t>{10});
  CHECK(conv.macs(8, 8) == 16 * 32 * 9 * 64);

  const std::vector<float> values = builder.initial_parameters(1);
  const auto check_uniform = [&](int segment, double bound) {
    const Segment& s = builder.parameters()[segment];
    double mean = 0.0, square = 0.0;
    for (std::int64_t i = 0; i < s.count; ++i) {
      const double w = values[std::size_t(s.offset + i)];
      REQUIRE(std::abs(w) <= bound);
      mean += w / double(s.count);
      square += w * w / double(s.count);
    }
    CHECK(std::abs(mean) < 5.0 * bound / std::sqrt(3.0 * double(s.count)));
    if (s.count > 500) CHECK(square == doctest::Approx(bound * bound / 3.0).epsilon(0.1));
  };
  check_uniform(conv.weight, 1.0 / 12.0);
  check_uniform(linear.weight, 1.0 / 8.0);
  check_uniform(linear.bias, 1.0 / 8.0);
  CHECK(values[std::size_t(builder.parameters()[affine.gamma].offset)] == 1.0f);
  CHECK(values[std::size_t(builder.parameters()[affine.beta].offset)] == 0.0f);
  CHECK(builder.initial_parameters(1) == values);
  CHECK(builder.initial_parameters(2) != values);
  CHECK(builder.initial_statistics()[std::size_t(builder.statistics()[plain.running_var].offset)] == 1.0f);
  CHECK(builder.initial_statistics()[std::size_t(builder.statistics()[plain.running_mean].offset)] == 0.0f);
}

}  // namespace rlnas
