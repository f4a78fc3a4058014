// MobileNet as the trainer sees it, on a narrow SuperNet.
#include <doctest/doctest.h>

#include "search/executor.h"
#include "search/mobilenet/space.h"
#include "tests/search/mobilenet_paths.h"
#include "tests/support/network_paths.h"

namespace rlnas::mobilenet {
namespace {

constexpr int kBatch = 4, kSize = 64;
constexpr NetworkOptions kNarrow{.classes = 10, .image_size = kSize, .width_divisor = 8};

TrainedNetwork narrow_training() {
  return test::supernet_of(space(), kNarrow, space().make_sampler({.seed = 5}), Initializer::normal_fan_out);
}

struct Run {
  Run(Backend& backend, const ModelBuilder& layout) : state(backend, layout, std::size_t{64} << 20) {
    const std::vector<float> initial = layout.initial_parameters(1);
    state.parameters().weights().upload(initial);
    state.initial_weights().upload(initial);
    state.statistics().upload(layout.initial_statistics());
    batch.count = kBatch;
    batch.params.resize(kBatch);
    for (int i = 0; i < kBatch * kSize * kSize * 3; ++i) batch.images.push_back(std::uint8_t(i * 37 % 251));
    for (int i = 0; i < kBatch; ++i) batch.labels.push_back(i);
    spec.augment = {0, kSize, kSize, {120.0f, 120.0f, 120.0f}, {1 / 60.0f, 1 / 60.0f, 1 / 60.0f}};
    spec.sgd = {.learning_rate = 0.01f};
  }

  Executor state;
  HostBatch batch;
  StepSpec spec;
};

}  // namespace

TEST_CASE("a MobileNet step runs the path of its sampler") {
  const auto backend = make_cpu_backend({.threads = 2});
  TrainedNetwork training = narrow_training();
  const TrainedNetwork supernet = test::supernet_of(space(), kNarrow, nullptr, Initializer::normal_fan_out);
  PathSampler sampler(5, Compat::none);
  Run by_training(*backend, training.layout()), by_path(*backend, supernet.layout());
  for (std::int64_t step : {0, 1, 7}) {
    const double loss =
        by_training.state.step(test::at_step(training, step), by_training.batch, by_training.spec).loss;
    const Genes path = genes_of_architecture(sampler.path(step));
    const double expected =
        by_path.state.step(test::along(supernet, {path}), by_path.batch, by_path.spec).loss;
    CHECK(loss == expected);
  }
}

TEST_CASE("no MobileNet path needs more memory than the largest") {
  const auto backend = make_cpu_backend({.threads = 2});
  TrainedNetwork training = narrow_training();
  Run largest(*backend, training.layout());
  largest.state.step(
      [&](Context& context, const Tensor& images) { return training.forward_largest(context, images); },
      largest.batch, largest.spec);
  for (std::int64_t step = 0; step < 10; ++step) {
    Run run(*backend, training.layout());
    run.state.step(test::at_step(training, step), run.batch, run.spec);
    CHECK(run.state.arena().peak_bytes() <= largest.state.arena().peak_bytes());
  }
}

TEST_CASE("MobileNet's angles are zero at first and grow with training") {
  const auto backend = make_cpu_backend({.threads = 2});
  TrainedNetwork training = narrow_training();
  Run run(*backend, training.layout());
  CHECK(training.angle_summary(run.state.angle_sums()).max_rad < 1e-6);
  for (std::int64_t step = 0; step < 4; ++step)
    run.state.step(test::at_step(training, step), run.batch, run.spec);
  const AngleSummary summary = training.angle_summary(run.state.angle_sums());
  CHECK(summary.min_rad > 1e-4);
  CHECK(summary.min_rad < summary.mean_rad);
  CHECK(summary.mean_rad < summary.max_rad);
}

TEST_CASE("MobileNet steps give the same bits on any number of threads") {
  std::vector<std::vector<float>> weights;
  for (const int threads : {1, 2, 3}) {
    const auto backend = make_cpu_backend({.threads = threads});
    TrainedNetwork training = narrow_training();
    Run run(*backend, training.layout());
    for (std::int64_t step = 0; step < 3; ++step)
      run.state.step(test::at_step(training, step), run.batch, run.spec);
    weights.push_back(run.state.parameters().weights().download());
  }
  CHECK(weights[0] == weights[1]);
  CHECK(weights[0] == weights[2]);
}

}  // namespace rlnas::mobilenet
