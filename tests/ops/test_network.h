// Networks under test against finite differences of their loss.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "engine/philox.h"
#include "ops/classifier.h"

namespace rlnas::test {

class TestNetwork {
 public:
  static constexpr int kBatch = 4;
  using Run = std::function<Tensor(Context&, const Tensor& images)>;  // gives the logits

  // `size`: height and width of the images.
  TestNetwork(Backend& backend, const ModelBuilder& builder, int size, Run run)
      : size_(size),
        run_(std::move(run)),
        parameters(backend, builder.parameters()),
        weights(builder.initial_parameters(3)),
        initial_statistics_(builder.initial_statistics()),
        statistics_(backend, builder.statistics()),
        arena_(backend, std::size_t{16} << 20),
        tape_(backend, arena_),
        context_{backend, arena_, tape_, parameters, statistics_, Mode::train} {
    RandomStream random(4, "weights");
    for (float& w : weights) w += 0.2f * (random.uniform() - 0.5f);
  }

  // Mean loss at the present weights; with the tape kept for backward().
  double loss() {
    tape_.clear();
    context_.last_used = -1;
    parameters.weights().upload(weights);
    statistics_.upload(initial_statistics_);
    const Tensor images = make_tensor(arena_, Shape::image(kBatch, size_, size_, 3));
    RandomStream random(5, "images");
    for (std::size_t i = 0; i < images.count(); ++i) images.data()[i] = 2.0f * random.uniform() - 1.0f;
    const Tensor logits = run_(context_, images);
    const Tensor labels = make_tensor(arena_, Shape::matrix(kBatch, 1), Layout::flat, DType::i32);
    for (int i = 0; i < kBatch; ++i) labels.data<std::int32_t>()[i] = (2 * i + 1) % logits.c();
    LossSums sums;
    cross_entropy(context_, logits, labels, 0.1f, &sums);
    return sums.loss / kBatch;
  }

  void backward() { tape_.backward(); }

 private:
  int size_;
  Run run_;

 public:
  Parameters parameters;
  std::vector<float> weights;

 private:
  std::vector<float> initial_statistics_;
  FlatBuffer statistics_;
  Arena arena_;
  Tape tape_;
  Context context_;
};

// For every tensor: the derivative of the loss along a direction must be its product with the gradient. Along
// the gradient itself, which shows a wrong size; and along random directions, which show wrong parts: a
// gradient with elements missing has the right derivative along itself. The steps are short of most ReLU
// kinks.
inline void check_gradients(TestNetwork& network) {
  constexpr double kOwnStep = 2e-3, kOwnTolerance = 0.02;
  // Of the size that the product has for a random direction; root of the mean square over the directions.
  constexpr double kRandomStep = 5e-4, kRandomTolerance = 0.05;
  constexpr double kRounding = 2e-7;  // of the loss, which is about 2
  constexpr int kDirections = 4;
  network.loss();
  network.backward();
  const SegmentTable& table = network.parameters.table();
  const std::vector<float> weights = network.weights;
  std::vector<std::vector<float>> gradients;
  for (int s = 0; s < table.size(); ++s) {
    const float* g = network.parameters.gradient_of(s);
    gradients.emplace_back(g, g + table[s].count);
  }
  // Half the difference of the loss `step` before and behind the weights.
  const auto slope = [&](int segment, const std::vector<float>& step) {
    double side[2];
    for (int sign = 0; sign < 2; ++sign) {
      network.weights = weights;
      for (std::size_t i = 0; i < step.size(); ++i)
        network.weights[std::size_t(table[segment].offset) + i] += sign == 0 ? step[i] : -step[i];
      side[sign] = network.loss();
    }
    return (side[0] - side[1]) / 2.0;
  };
  for (int s = 0; s < table.size(); ++s) {
    const std::vector<float>& g = gradients[std::size_t(s)];
    double square = 0.0;
    for (const float v : g) square += double(v) * v;
    INFO(table[s].name);
    REQUIRE(square > 1e-12);
    std::vector<float> step = g;
    for (float& element : step) element *= float(kOwnStep / std::sqrt(square));
    CHECK(slope(s, step) == doctest::Approx(kOwnStep * std::sqrt(square)).epsilon(kOwnTolerance));

    const float element = float(kRandomStep / std::sqrt(double(g.size())));
    double error = 0.0;
    for (int d = 0; d < kDirections; ++d) {
      RandomStream random(6, table[s].name, 0, std::uint64_t(d));
      double product = 0.0;
      for (std::size_t i = 0; i < g.size(); ++i) {
        step[i] = random.below(2) == 0 ? element : -element;
        product += double(step[i]) * g[i];
      }
      error += std::pow(slope(s, step) - product, 2) / kDirections;
    }
    CHECK(std::sqrt(error) < kRandomTolerance * element * std::sqrt(square) + kRounding);
  }
}

}  // namespace rlnas::test
