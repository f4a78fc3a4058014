// Activations as floats or as bfloat16: the numbers, the pointers, what costs and errors say of them.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/backend.h"
#include "rlnas/recorded_call.hpp"
#include "tests/support/errors.h"

namespace rlnas::test {

TEST_CASE("every number of bf16 comes back, and floats go to the nearest one, ties to the even") {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const Bf16 number{std::uint16_t(bits)};
    if (std::isnan(float_of(number)))
      CHECK(std::isnan(float_of(bf16_of(float_of(number)))));
    else
      CHECK(bf16_of(float_of(number)).bits == bits);
  }
  const float step = 0x1p-7f;  // from 1 to the next
  CHECK(float_of(bf16_of(1.0f + 0.49f * step)) == 1.0f);
  CHECK(float_of(bf16_of(1.0f + 0.51f * step)) == 1.0f + step);
  CHECK(float_of(bf16_of(1.0f + 0.5f * step)) == 1.0f);
  CHECK(float_of(bf16_of(1.0f + 1.5f * step)) == 1.0f + 2.0f * step);
  CHECK(float_of(bf16_of(-1.0f - 1.5f * step)) == -1.0f - 2.0f * step);
  CHECK(std::isinf(float_of(bf16_of(std::numeric_limits<float>::max()))));
  CHECK(std::isnan(float_of(bf16_of(std::numeric_limits<float>::signaling_NaN()))));
}

TEST_CASE("values are given as what they are, step by element, and are refused as the other type") {
  float floats[4] = {};
  Bf16 halves[4] = {};
  const Values a = floats, b = halves;
  CHECK(static_cast<float*>(a) == floats);
  CHECK((a + 3).as<float>() == floats + 3);
  CHECK((b + 3).as<Bf16>() == halves + 3);
  CHECK((ConstValues(b) + 2).as<Bf16>() == halves + 2);
  CHECK((Values() + 5) == nullptr);
  CHECK(contains(error_of(ErrorCode::run_failed, [&] { b.as<float>(); }), "stored as bf16"));
  CHECK(contains(error_of(ErrorCode::run_failed, [&] { a.as<Bf16>(); }), "stored as floats"));
  CHECK(Values(nullptr, Element::bf16).as<float>() == nullptr);
}

TEST_CASE("the CPU stores floats, and refuses values that are not") {
  const auto cpu = make_cpu_backend({.threads = 2});
  CHECK(cpu->activation_type() == Element::f32);
  std::vector<Bf16> x(64);
  std::vector<float> scratch(64);
  const auto refused = [&](const auto& call) {
    return contains(error_of(ErrorCode::run_failed, [&] { cpu->run(call); }), "stored as bf16");
  };
  CHECK(refused(Add{.count = x.size(), .x = x.data(), .y = x.data()}));
  CHECK(refused(
      GlobalAvgPoolForward{.batch = 1, .pixels = 8, .channels = 8, .x = x.data(), .y = scratch.data()}));
  AffineSumSpec sum{.rows = 8, .channels = 8, .term_count = 1};
  sum.terms[0].x = x.data();
  CHECK(refused(AffineSum{.spec = sum, .sum = scratch.data()}));
}

TEST_CASE("what is stored as bf16 costs half the bytes, weights as much as before") {
  const ConvSpec spec{2, 8, 4, 4, 16, 1, 1, 0, 1, 1};
  const std::size_t values = spec.in_count() + spec.out_count(), weights = spec.weight_count();
  Bf16 x{};
  CHECK(ConvForward{.spec = spec}.cost().bytes == 4 * (values + weights));
  CHECK(ConvForward{.spec = spec, .x = &x}.cost().bytes == 2 * values + 4 * weights);
  CHECK(Add{.count = 10, .x = &x, .y = &x}.cost().bytes == 40);
  CHECK(GlobalAvgPoolForward{.batch = 1, .pixels = 8, .channels = 8, .x = &x}.cost().bytes == 2 * 64 + 4 * 8);
}

}  // namespace rlnas::test
