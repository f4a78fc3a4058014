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

// For every tensor: the derivative of the loss along the tensor's own gradient must be the gradient's squared
// norm.
inline void check_gradients(TestNetwork& network, double tolerance) {
  network.loss();
  network.backward();
  const SegmentTable& table = network.parameters.table();
  const std::vector<float> weights = network.weights;
  std::vector<std::vector<float>> gradients;
  for (int s = 0; s < table.size(); ++s) {
    const float* g = network.parameters.gradient_of(s);
    gradients.emplace_back(g, g + table[s].count);
  }
  for (int s = 0; s < table.size(); ++s) {
    const std::vector<float>& g = gradients[std::size_t(s)];
    double square = 0.0;
    for (const float v : g) square += double(v) * v;
    INFO(table[s].name);
    REQUIRE(square > 1e-12);
    const double h = 2e-3 / std::sqrt(square);  // a step of length 0.002: short of most ReLU kinks
    double side[2];
    for (int sign = 0; sign < 2; ++sign) {
      network.weights = weights;
      for (std::size_t i = 0; i < g.size(); ++i)
        network.weights[std::size_t(table[s].offset) + i] += float((sign == 0 ? h : -h) * g[i]);
      side[sign] = network.loss();
    }
    CHECK((side[0] - side[1]) / (2.0 * h) == doctest::Approx(square).epsilon(tolerance));
  }
}

}  // namespace rlnas::test
