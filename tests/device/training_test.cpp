// Training steps of each space on the device against the CPU backend; graphs on and off; the angle sums.
#include <doctest/doctest.h>

#include <cmath>

#include "search/recipes.h"
#include "tests/device/agreement.h"
#include "tests/device/device.h"
#include "tests/device/scale.h"
#include "tests/support/network_paths.h"

namespace rlnas::test {
namespace {

class SpaceTraining {
 public:
  explicit SpaceTraining(const SpaceScale& scale)
      : config_(config_of(scale)),
        network_(make_training_space(config_, scale.image_size > 32 ? 1000 : 10)),
        steps_(scale.steps) {}

  ShortTraining training() const { return {.network = *network_, .config = config_, .steps = steps_}; }

 private:
  static TrainConfig config_of(const SpaceScale& scale) {
    TrainConfig config = default_train_config(scale.space);
    config.data.image_size = scale.image_size;
    config.recipe.batch_size = scale.batch;
    config.recipe.learning_rate = scale.learning_rate;
    return config;
  }

  TrainConfig config_;
  std::unique_ptr<TrainedNetwork> network_;
  int steps_;
};

void check_space(const std::string& name, Precision precision) {
  for (const SpaceScale& scale : device_scale().spaces) {
    if (scale.space != name) continue;
    const SpaceTraining space(scale);
    const ShortTraining training = space.training();
    const auto cpu = make_cpu_backend({}), device = make_cuda_backend({.precision = precision});
    CHECK(disagreement({*device, training}, {*cpu, training}, precision) == "");
    const auto train = [&](GraphCapture graphs) {
      return train_steps(*make_cuda_backend({.precision = precision, .graph_capture = graphs}), training);
    };
    const TrainedSteps got = train(GraphCapture::off);
    CHECK((train(GraphCapture::off) == got));  // the same bits again
    CHECK((train(GraphCapture::stages) == got));
    return;
  }
  RLNAS_SKIP_TEST("too much for an emulated device");
}

}  // namespace

TEST_CASE(
    "nasbench201: steps on the device equal those of the CPU, in any precision, with graphs and without") {
  RLNAS_NEEDS_DEVICES(1);
  for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::bf16})
    check_space("nasbench201", precision);
}
TEST_CASE("darts-cifar: steps on the device equal those of the CPU with graphs and without") {
  RLNAS_NEEDS_DEVICES(1);
  for (const Precision precision : {Precision::fp32, Precision::bf16}) check_space("darts-cifar", precision);
}
TEST_CASE("darts-imagenet: steps on the device equal those of the CPU with graphs and without") {
  RLNAS_NEEDS_DEVICES(1);
  for (const Precision precision : {Precision::fp32, Precision::bf16})
    check_space("darts-imagenet", precision);
}
TEST_CASE("mobilenet: steps on the device equal those of the CPU with graphs and without") {
  RLNAS_NEEDS_DEVICES(1);
  for (const Precision precision : {Precision::fp32, Precision::bf16}) check_space("mobilenet", precision);
}

TEST_CASE("planted mistakes are further from the CPU than rounding explains") {
  const SpaceTraining space({"nasbench201", 16, 16, 3, 0.025});
  const ShortTraining training = space.training();
  const auto cpu = make_cpu_backend({.threads = 1});
  const auto complaint_of = [&](const std::function<void(ShortTraining&)>& mistake) {
    ShortTraining wrong = training;
    mistake(wrong);
    return disagreement({*cpu, wrong}, {*cpu, training}, Precision::fp32);
  };
  CHECK(complaint_of([](ShortTraining&) {}) == "");
  CHECK(complaint_of([](ShortTraining& wrong) { wrong.config.recipe.nesterov = false; }) != "");
  CHECK(complaint_of([](ShortTraining& wrong) { wrong.config.recipe.learning_rate *= 1.05; }) != "");
  CHECK(complaint_of([](ShortTraining& wrong) { wrong.config.recipe.label_smoothing = 1e-3; }) != "");
  CHECK(complaint_of([](ShortTraining& wrong) {
          wrong.along = [&wrong](int step) { return at_step(wrong.network, step == 2 ? 3 : step); };
        }) != "");
}

TEST_CASE("angle sums on the device equal those of the CPU and have the same bits again") {
  RLNAS_NEEDS_DEVICES(1);
  const SpaceTraining space(device_scale().spaces.front());
  ShortTraining training = space.training();
  training.steps = 2;
  const TrainedSteps trained = train_steps(*make_cpu_backend({}), training);
  const auto sums_on = [&](Backend& backend) {
    Executor state(backend, training.network.layout(), std::size_t{4} << 20);
    state.initial_weights().upload(training.network.layout().initial_parameters(0));
    state.parameters().weights().upload(trained.weights);
    return state.angle_sums();
  };
  const std::vector<AngleSums> expected = sums_on(*make_cpu_backend({}));
  const auto device = make_cuda_backend({});
  const std::vector<AngleSums> got = sums_on(*device), again = sums_on(*device);
  REQUIRE(got.size() == expected.size());
  REQUIRE(!got.empty());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double tolerance = 1e-12 * (expected[i].norm0_sq + expected[i].norm1_sq);
    CHECK(std::abs(got[i].dot - expected[i].dot) <= tolerance);
    CHECK(std::abs(got[i].norm0_sq - expected[i].norm0_sq) <= tolerance);
    CHECK(std::abs(got[i].norm1_sq - expected[i].norm1_sq) <= tolerance);
    CHECK(got[i].dot == again[i].dot);
    CHECK(got[i].norm0_sq == again[i].norm0_sq);
    CHECK(got[i].norm1_sq == again[i].norm1_sq);
  }
}

}  // namespace rlnas::test
