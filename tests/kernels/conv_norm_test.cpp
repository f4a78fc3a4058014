// What ConvNormBackward notes of the gradient it wrote on the CPU, for the next batch norm: sums of it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/philox.h"
#include "kernels/backend.h"

namespace rlnas::test {
namespace {

using Floats = std::vector<float>;

Floats uniform(std::size_t count, RandomStream& random, float low, float high) {
  Floats values(count);
  for (float& value : values) value = low + (high - low) * float(random.uniform());
  return values;
}

struct Gradients {
  Floats dx, dw, dgamma, dbeta;
  std::vector<double> moments;  // of dx
};

// One backward pass of a convolution between two norms.
class Problem {
 public:
  explicit Problem(const ConvSpec& conv) : spec_{.conv = conv, .normalises_input = true} {
    RandomStream random(7, "conv-norm");
    x_ = uniform(conv.in_count(), random, -3, 3);
    w_ = uniform(conv.weight_count(), random, -1, 1);
    y_ = uniform(conv.out_count(), random, -2, 2);
    dz_ = uniform(conv.out_count(), random, -0.2f, 1);
    x_norm_ = uniform(4 * std::size_t(conv.in_channels), random, 0.3f, 0.9f);
    norm_ = uniform(4 * std::size_t(conv.out_channels), random, 0.1f, 0.5f);
  }

  enum class Weights { wanted, unwanted };
  Gradients run(int threads, const double* dz_moments, Weights weights = Weights::wanted) {
    const ConvSpec& conv = spec_.conv;
    const auto backend = make_cpu_backend({.threads = threads});
    const std::size_t channels = std::size_t(conv.out_channels);
    Gradients g{Floats(conv.in_count()), Floats(conv.weight_count()), Floats(channels), Floats(channels),
                std::vector<double>(2 * std::size_t(conv.in_channels))};
    const ConvNormBackward call{.spec = spec_,
                                .x = x_.data(),
                                .x_norm = ConstBatchNormSaved::at(x_norm_.data(), conv.in_channels),
                                .x_activation = Activation::relu6,
                                .w = w_.data(),
                                .y = y_.data(),
                                .saved = ConstBatchNormSaved::at(norm_.data(), conv.out_channels),
                                .dz = dz_.data(),
                                .dw = weights == Weights::wanted ? g.dw.data() : nullptr,
                                .dgamma = g.dgamma.data(),
                                .dbeta = g.dbeta.data(),
                                .dx = g.dx.data(),
                                .dz_note = dz_moments,
                                .dx_note = g.moments.data()};
    REQUIRE(backend->note_bytes(call) == g.moments.size() * sizeof(double));
    const std::size_t bytes = backend->workspace_bytes(call);
    void* const memory = backend->allocate(bytes);
    backend->run(call, {memory, bytes});
    backend->release(memory);
    return g;
  }

  // Sums over rows of `gradient` and of gradient * (value - mean), by their definition.
  static std::vector<double> moments(const Floats& gradient, const Floats& value, const float* mean,
                                     int channels) {
    const std::size_t count = std::size_t(channels);
    std::vector<double> sums(2 * count);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      sums[i % count] += double(gradient[i]);
      sums[count + i % count] += double(gradient[i]) * (double(value[i]) - double(mean[i % count]));
    }
    return sums;
  }
  std::vector<double> of_dx(const Floats& dx) const {
    return moments(dx, x_, x_norm_.data(), spec_.conv.in_channels);
  }
  std::vector<double> of_dz() const { return moments(dz_, y_, norm_.data(), spec_.conv.out_channels); }

 private:
  ConvNormSpec spec_;
  Floats x_, w_, y_, dz_, x_norm_, norm_;
};

void check_close(const std::vector<double>& expected, const std::vector<double>& got, double tolerance) {
  double largest = 0.0, apart = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    apart = std::max(apart, std::abs(expected[i] - got[i]));
  }
  CHECK(apart <= tolerance * largest);
}

std::vector<double> doubles(const Floats& values) {
  return {values.begin(), values.end()};
}

}  // namespace

// The last of the convolutions does not run in chunks.
TEST_CASE("the sums that a convolution takes of its input's gradient are those of a pass over it") {
  for (const ConvSpec& conv :
       {ConvSpec{3, 40, 14, 14, 40, 5, 1, 2, 1, 40}, ConvSpec{2, 24, 17, 12, 24, 3, 2, 1, 1, 24},
        ConvSpec{2, 40, 64, 64, 40, 7, 1, 3, 1, 40}, ConvSpec{9, 16, 8, 8, 24, 1, 1, 0, 1, 1},
        ConvSpec{4, 16, 9, 9, 16, 3, 1, 1, 1, 1}, ConvSpec{2, 12, 9, 9, 12, 9, 1, 8, 2, 12}}) {
    CAPTURE(conv.kernel);
    CAPTURE(conv.groups);
    Problem problem(conv);
    const Gradients taken_here = problem.run(2, nullptr);
    check_close(problem.of_dx(taken_here.dx), taken_here.moments, 1e-6);

    const std::vector<double> of_dz = problem.of_dz();
    const Gradients given = problem.run(2, of_dz.data());
    check_close(doubles(taken_here.dx), doubles(given.dx), 1e-6);
    check_close(doubles(taken_here.dw), doubles(given.dw), 1e-5);
    check_close(doubles(taken_here.dgamma), doubles(given.dgamma), 1e-6);
    check_close(doubles(taken_here.dbeta), doubles(given.dbeta), 1e-6);

    const Gradients alone = problem.run(1, nullptr);
    CHECK(alone.moments == taken_here.moments);
    CHECK(alone.dx == taken_here.dx);
    CHECK(alone.dw == taken_here.dw);

    const Gradients values_alone = problem.run(2, nullptr, Problem::Weights::unwanted);
    CHECK(values_alone.dx == taken_here.dx);
    CHECK(values_alone.dgamma == taken_here.dgamma);
    CHECK(values_alone.moments == taken_here.moments);
    CHECK(values_alone.dw == Floats(conv.weight_count()));
  }
}

}  // namespace rlnas::test
