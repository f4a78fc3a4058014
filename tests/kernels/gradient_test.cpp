// The reference's backward passes against finite differences of its forward passes.
//
// For a loss L = sum of g[i]*y[i] with fixed random g, dL/dx[j] is the difference of L when x[j] moves.
// Fourth-order central differences: exact for the linear primitives but for rounding, and good to h^4 for the
// others.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/philox.h"
#include "kernels/backend.h"

namespace rlnas::test {
namespace {

using Floats = std::vector<float>;

Floats random_floats(RandomStream& random, std::size_t count) {
  Floats values(count);
  for (float& value : values) value = random.uniform() * 2.0f - 1.0f;
  return values;
}

double dot(const Floats& a, const Floats& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double(a[i]) * double(b[i]);
  return sum;
}

// `loss` reads `x`, which is moved one element at a time.
void check_gradient(const char* name, Floats& x, const Floats& gradient, double step, double tolerance,
                    const std::function<double()>& loss) {
  CAPTURE(name);
  REQUIRE(gradient.size() == x.size());
  double scale = 1e-3;
  for (const float value : gradient) scale = std::max(scale, std::abs(double(value)));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float kept = x[i];
    const auto at = [&](double offset) {
      x[i] = float(double(kept) + offset);
      const double value = loss();
      x[i] = kept;
      return value;
    };
    const double numeric = (8.0 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12.0 * step);
    CAPTURE(i);
    CHECK(std::abs(numeric - double(gradient[i])) <= tolerance * scale);
  }
}

constexpr double kLinearStep = 0.25, kLinearTolerance = 1e-5;

}  // namespace

TEST_CASE("ref gradients: convolution") {
  const auto ref = make_ref_backend();
  RandomStream random(7, "gradient");
  for (const ConvSpec& spec : {ConvSpec{2, 3, 5, 4, 4, 3, 1, 1, 1, 1},
                               {1, 4, 6, 5, 4, 3, 2, 1, 1, 2},
                               {2, 3, 6, 6, 3, 3, 1, 2, 2, 3},
                               {1, 2, 5, 5, 3, 1, 2, 0, 1, 1}}) {
    Floats x = random_floats(random, spec.in_count()), w = random_floats(random, spec.weight_count());
    const Floats g = random_floats(random, spec.out_count());
    Floats y(spec.out_count()), dx(x.size()), dw(w.size());
    const auto loss = [&] {
      ref->run(ConvForward{.spec = spec, .x = x.data(), .w = w.data(), .y = y.data()});
      return dot(g, y);
    };
    ref->run(ConvBackwardData{.spec = spec, .dy = g.data(), .w = w.data(), .dx = dx.data()});
    ref->run(ConvBackwardWeights{.spec = spec, .x = x.data(), .dy = g.data(), .dw = dw.data()});
    check_gradient("dx", x, dx, kLinearStep, kLinearTolerance, loss);
    check_gradient("dw", w, dw, kLinearStep, kLinearTolerance, loss);
  }
}

TEST_CASE("ref gradients: batch norm and activation") {
  const auto ref = make_ref_backend();
  RandomStream random(8, "gradient");
  for (const Activation activation : {Activation::none, Activation::relu, Activation::relu6}) {
    BatchNormSpec spec;
    spec.rows = 9;
    spec.channels = 3;
    Floats x = random_floats(random, spec.count()), gamma = {0.7f, -1.2f, 4.0f}, beta = {0.1f, 0.2f, 3.0f};
    const Floats g = random_floats(random, spec.count());
    Floats saved(12), running_mean(3), running_var(3), s(spec.count()), y(spec.count());
    const BatchNormSaved saved_at = BatchNormSaved::at(saved.data(), 3);
    const auto loss = [&] {
      ref->run(BatchNormStatistics{.spec = spec,
                                   .x = x.data(),
                                   .gamma = gamma.data(),
                                   .beta = beta.data(),
                                   .running_mean = running_mean.data(),
                                   .running_var = running_var.data(),
                                   .saved = saved_at});
      AffineSumSpec sum;
      sum.rows = spec.rows;
      sum.channels = spec.channels;
      sum.term_count = 1;
      sum.terms[0] = {x.data(), saved_at.scale, saved_at.shift};
      sum.activation = activation;
      ref->run(AffineSum{.spec = sum, .sum = s.data(), .activated = y.data()});
      return dot(g, y);
    };
    loss();
    // A kink inside the difference's reach would spoil it: keep the test's data away from 0 and 6.
    for (const float value : s)
      REQUIRE(
          (activation == Activation::none || (std::abs(value) > 0.02f && std::abs(value - 6.0f) > 0.02f)));
    Floats ds(spec.count()), dx(spec.count()), dgamma(3), dbeta(3);
    ref->run(ActivationBackward{.activation = activation,
                                .count = ds.size(),
                                .activated = y.data(),
                                .dy = g.data(),
                                .dx = ds.data(),
                                .store = Store::overwrite});
    ref->run(BatchNormBackward{.spec = spec,
                               .x = x.data(),
                               .dy = ds.data(),
                               .saved = saved_at,
                               .dx = dx.data(),
                               .dgamma = dgamma.data(),
                               .dbeta = dbeta.data()});
    constexpr double kStep = 1.0 / 512, kTolerance = 3e-4;
    check_gradient("dx", x, dx, kStep, kTolerance, loss);
    check_gradient("dgamma", gamma, dgamma, kStep, kTolerance, loss);
    check_gradient("dbeta", beta, dbeta, kStep, kTolerance, loss);
  }
}

TEST_CASE("ref gradients: pooling") {
  const auto ref = make_ref_backend();
  RandomStream random(9, "gradient");
  for (const PoolSpec& spec : {PoolSpec{2, 2, 5, 4, 3, 1, 1}, {1, 3, 5, 6, 3, 2, 1}, {2, 1, 4, 6, 2, 2, 0}}) {
    const Floats g = random_floats(random, spec.out_count());
    Floats x = random_floats(random, spec.in_count()), y(spec.out_count()), dx(spec.in_count());
    ref->run(AvgPoolBackward{.spec = spec, .dy = g.data(), .dx = dx.data(), .store = Store::overwrite});
    check_gradient("dx of average", x, dx, kLinearStep, kLinearTolerance, [&] {
      ref->run(AvgPoolForward{.spec = spec, .x = x.data(), .y = y.data()});
      return dot(g, y);
    });
    // Distinct values a tenth apart, in random order: no step changes a winner.
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.1f * float(i);
    random.shuffle(x);
    std::vector<std::uint8_t> index(spec.out_count());
    ref->run(MaxPoolForward{.spec = spec, .x = x.data(), .y = y.data(), .index = index.data()});
    ref->run(MaxPoolBackward{
        .spec = spec, .index = index.data(), .dy = g.data(), .dx = dx.data(), .store = Store::overwrite});
    check_gradient("dx of maximum", x, dx, 0.02, 1e-4, [&] {
      std::vector<std::uint8_t> unused(spec.out_count());
      ref->run(MaxPoolForward{.spec = spec, .x = x.data(), .y = y.data(), .index = unused.data()});
      return dot(g, y);
    });
  }
  const Floats g = random_floats(random, 6);
  Floats x = random_floats(random, 24), y(6), dx(24);
  ref->run(GlobalAvgPoolBackward{.batch = 2, .pixels = 4, .channels = 3, .dy = g.data(), .dx = dx.data()});
  check_gradient("dx of global average", x, dx, kLinearStep, kLinearTolerance, [&] {
    ref->run(GlobalAvgPoolForward{.batch = 2, .pixels = 4, .channels = 3, .x = x.data(), .y = y.data()});
    return dot(g, y);
  });
}

TEST_CASE("ref gradients: subsampling") {
  const auto ref = make_ref_backend();
  RandomStream random(12, "gradient");
  for (const int offset : {0, 1}) {
    const SubsampleSpec spec{2, 3, 5, 4, 2, offset};
    const Floats g = random_floats(random, spec.out_count());
    Floats x = random_floats(random, spec.in_count()), y(spec.out_count()), dx(spec.in_count());
    ref->run(SubsampleBackward{.spec = spec, .dy = g.data(), .dx = dx.data(), .store = Store::overwrite});
    check_gradient("dx of subsampling", x, dx, kLinearStep, kLinearTolerance, [&] {
      ref->run(SubsampleForward{.spec = spec, .x = x.data(), .y = y.data()});
      return dot(g, y);
    });
  }
}

TEST_CASE("ref gradients: channel shuffle, and factors of channels") {
  const auto ref = make_ref_backend();
  RandomStream random(13, "gradient");
  const ChannelShuffleSpec spec{5, 12, 4};
  const Floats g = random_floats(random, spec.count());
  Floats x = random_floats(random, spec.count()), y(spec.count()), dx(spec.count());
  ref->run(ShuffleChannels{.spec = spec.inverse(), .x = g.data(), .y = dx.data()});
  check_gradient("dx of a shuffle", x, dx, kLinearStep, kLinearTolerance, [&] {
    ref->run(ShuffleChannels{.spec = spec, .x = x.data(), .y = y.data()});
    return dot(g, y);
  });

  Floats factors = random_floats(random, 12), zeros(12, 0.0f), dots(12);
  ref->run(ChannelDots{.rows = 5, .channels = 12, .x = x.data(), .dy = g.data(), .dots = dots.data()});
  check_gradient("factors", factors, dots, kLinearStep, kLinearTolerance, [&] {
    AffineSumSpec sum{.rows = 5, .channels = 12, .term_count = 1};
    sum.terms[0] = {.x = x.data(), .scale = factors.data(), .shift = zeros.data()};
    ref->run(AffineSum{.spec = sum, .sum = y.data()});
    return dot(g, y);
  });
}

TEST_CASE("ref gradients: linear and cross entropy") {
  const auto ref = make_ref_backend();
  RandomStream random(10, "gradient");
  const LinearSpec spec{3, 5, 4};
  Floats x = random_floats(random, 15), w = random_floats(random, 20), bias = random_floats(random, 4), y(12);
  const Floats g = random_floats(random, 12);
  Floats dx(15), dw(20), dbias(4);
  ref->run(LinearBackwardData{.spec = spec, .dy = g.data(), .w = w.data(), .dx = dx.data()});
  ref->run(LinearBackwardWeights{
      .spec = spec, .x = x.data(), .dy = g.data(), .dw = dw.data(), .dbias = dbias.data()});
  const auto loss = [&] {
    ref->run(LinearForward{.spec = spec, .x = x.data(), .w = w.data(), .bias = bias.data(), .y = y.data()});
    return dot(g, y);
  };
  check_gradient("dx", x, dx, kLinearStep, kLinearTolerance, loss);
  check_gradient("dw", w, dw, kLinearStep, kLinearTolerance, loss);
  check_gradient("dbias", bias, dbias, kLinearStep, kLinearTolerance, loss);

  for (const float smoothing : {0.0f, 0.1f}) {
    const CrossEntropySpec entropy{3, 4, smoothing};
    Floats logits = random_floats(random, 12), dlogits(12);
    const std::vector<std::int32_t> labels = {2, 0, 3};
    LossSums sums;
    ref->run(CrossEntropy{.spec = entropy,
                          .logits = logits.data(),
                          .labels = labels.data(),
                          .dlogits = dlogits.data(),
                          .sums = &sums});
    check_gradient("dlogits", logits, dlogits, 1.0 / 64, 1e-6, [&] {
      ref->run(
          CrossEntropy{.spec = entropy, .logits = logits.data(), .labels = labels.data(), .sums = &sums});
      return sums.loss / entropy.batch;
    });
  }
}

}  // namespace rlnas::test
