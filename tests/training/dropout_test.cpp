// Dropout before the classifier of a stand-alone MobileNet, as `rlnas_train --arch --dropout P` trains it.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/safetensors.h"
#include "search/executor.h"
#include "search/train_settings.h"
#include "search/trained_network.h"
#include "tests/support/temporary_directory.h"
#include "tests/training/small_run.h"

namespace rlnas {
namespace {

using namespace rlnas::test;

// Six steps of the architecture with the fewest blocks.
TrainConfig mobilenet_run(const std::string& out, double dropout) {
  TrainConfig config = default_retrain_config("mobilenet");
  const TrainConfig small = small_run(out);
  config.network.arch = "0 -1 -1 -1 | 0 -1 -1 -1 | 0 -1 -1 -1 | 0 -1 -1 -1 | 0 -1 -1 -1 | 0";
  config.data.spec = "synthetic:24";
  config.data.image_size = 32;
  config.data.crop = TrainingCrop::shift;
  config.recipe.batch_size = 8;
  config.recipe.epochs = small.recipe.epochs;
  config.run.log_every = small.run.log_every;
  config.device.name = small.device.name;
  config.run.out = small.run.out;
  config.network.dropout = dropout;
  return config;
}

std::vector<float> classifier_of(const std::string& run) {
  return read_safetensors(run + "/latest.safetensors").find("classifier.0.weight")->data;
}

}  // namespace

TEST_CASE("--dropout changes what a MobileNet learns, and a resumed run draws the same") {
  const TemporaryDirectory directory;
  const TrainResult without = train(mobilenet_run(directory / "without", 0.0));
  TrainConfig config = mobilenet_run(directory / "with", default_retrain_config("mobilenet").network.dropout);
  CHECK(config.network.dropout > 0.0);
  const TrainResult with = train(config);
  CHECK(with.loss != without.loss);
  CHECK(classifier_of(directory / "with") != classifier_of(directory / "without"));
  config.run.out = directory / "resumed";
  config.run.steps = 4;
  train(config);
  config.run.steps = 0;
  config.run.resume = "auto";
  CHECK(train(config).steps == 6);
  CHECK(classifier_of(directory / "resumed") == classifier_of(directory / "with"));
}

TEST_CASE("the mean of a MobileNet's logits over many draws of dropout is what it gives without") {
  constexpr int kDraws = 40;
  const auto backend = make_cpu_backend({.threads = 2});
  HostBatch batch;
  batch.count = 8;
  batch.params.resize(8);
  for (int i = 0; i < 8 * 32 * 32 * 3; ++i) batch.images.push_back(std::uint8_t(i * 37 % 251));
  for (int i = 0; i < 8; ++i) batch.labels.push_back(i);
  // Logits of training steps that leave the weights as they are, added up.
  const auto sum_of = [&](double dropout, int steps) {
    const TrainConfig config = mobilenet_run("", dropout);
    const std::unique_ptr<TrainedNetwork> network = make_stand_alone(config, {});
    Executor state(*backend, network->layout(), std::size_t{64} << 20);
    state.parameters().weights().upload(network->layout().initial_parameters(1));
    state.statistics().upload(network->layout().initial_statistics());
    StepSpec spec;
    spec.augment = {0, 32, 32, {120.0f, 120.0f, 120.0f}, {1 / 60.0f, 1 / 60.0f, 1 / 60.0f}};
    spec.sgd.learning_rate = 0.0f;
    std::vector<double> sum(80, 0.0);
    for (int step = 0; step < steps; ++step)
      state.step(
          [&](Context& context, const Tensor& images) {
            const Tensor logits = network->forward(context, images, step);
            for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += logits.data()[i];
            return logits;
          },
          batch, spec);
    return sum;
  };
  const std::vector<double> plain = sum_of(0.0, 1), dropped = sum_of(0.5, kDraws), once = sum_of(0.5, 1);
  double product = 0.0, square = 0.0;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    product += plain[i] * dropped[i] / kDraws;
    square += plain[i] * plain[i];
  }
  CHECK(std::abs(product / square - 1.0) < 0.1);  // 0.5 where what is kept is not scaled up
  CHECK(once != plain);
}

}  // namespace rlnas
