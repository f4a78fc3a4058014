#include "tests/support/short_training.h"

#include "engine/philox.h"
#include "kernels/dry/dry_backend.h"
#include "search/train_settings.h"
#include "tests/support/network_paths.h"

namespace rlnas::test {
namespace {

constexpr std::size_t kEndlessBytes = std::size_t{1} << 42;

// Pixels, labels, flips and shifts.
HostBatch noise(std::uint64_t step, int count, int size, int classes) {
  RandomStream random(3, "short training", step);
  HostBatch batch;
  batch.count = batch.global_count = count;
  batch.images.resize(std::size_t(count) * std::size_t(size * size * AugmentSpec::kChannels));
  for (std::uint8_t& pixel : batch.images) pixel = std::uint8_t(random.below(256));
  for (int i = 0; i < count; ++i) {
    batch.params.push_back({std::int16_t(int(random.below(9)) - 4), std::int16_t(int(random.below(9)) - 4),
                            std::int16_t(random.below(2))});
    batch.labels.push_back(std::int32_t(random.below(std::uint32_t(classes))));
  }
  return batch;
}

}  // namespace

SteppedTraining::SteppedTraining(Backend& backend, const ShortTraining& training) : training_(training) {
  TrainedNetwork& network = training.network;
  const int size = training.config.data.image_size;
  constexpr Normalisation kNormalisation{{127.5f, 127.5f, 127.5f}, {64.0f, 64.0f, 64.0f}};
  spec_ = step_spec(training.config, {size, size, kNormalisation});
  spec_.sgd.learning_rate = float(training.config.recipe.learning_rate);

  const auto dry = make_dry_backend(nullptr, &backend);
  Executor on_paper(*dry, network.layout(), kEndlessBytes);
  on_paper.step([&](Context& c, const Tensor& images) { return network.forward_largest(c, images); },
                noise(0, training.config.recipe.batch_size, size, network.options().classes), spec_);
  executor_.emplace(backend, network.layout(), on_paper.arena().peak_bytes());
  executor_->parameters().weights().upload(network.layout().initial_parameters(0));
  executor_->parameters().set_decayed(decayed_segments(training.config, network.layout().parameters()));
  executor_->statistics().upload(network.layout().initial_statistics());
}

double SteppedTraining::step(int index) {
  const int count = training_.config.recipe.batch_size;
  const Executor::Forward forward =
      training_.along ? training_.along(index) : Executor::Forward(at_step(training_.network, index));
  const HostBatch batch = noise(std::uint64_t(index), count, training_.config.data.image_size,
                                training_.network.options().classes);
  return executor_->step(forward, batch, spec_).loss / count;
}

SteppedTraining::State SteppedTraining::state() {
  return {.weights = executor_->parameters().weights().download(),
          .momentum = executor_->parameters().momentum().download(),
          .statistics = executor_->statistics().download(),
          .ever_sampled = executor_->parameters().ever_sampled()};
}

void SteppedTraining::set_state(const State& state) {
  executor_->parameters().weights().upload(state.weights);
  executor_->parameters().momentum().upload(state.momentum);
  executor_->statistics().upload(state.statistics);
  executor_->parameters().set_ever_sampled(state.ever_sampled);
}

TrainedSteps train_steps(Backend& backend, const ShortTraining& training) {
  SteppedTraining stepped(backend, training);
  TrainedSteps trained;
  for (int step = 0; step < training.steps; ++step) {
    trained.losses.push_back(stepped.step(step));
    if (training.after_step) training.after_step();
  }
  SteppedTraining::State state = stepped.state();
  trained.weights = std::move(state.weights);
  trained.statistics = std::move(state.statistics);
  return trained;
}

}  // namespace rlnas::test
