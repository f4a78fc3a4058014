#include "bench/counted/counted_steps.h"

#include <algorithm>
#include <map>

#include "bench/counted/device_limits.h"
#include "bench/counted/watched_backend.h"
#include "engine/philox.h"
#include "kernels/dry/dry_backend.h"
#include "search/executor.h"
#include "search/mobilenet/architecture.h"
#include "search/mobilenet/space.h"
#include "search/recipes.h"
#include "search/train_settings.h"
#include "search/trained_network.h"
#include "tests/simulator/simulator.h"

namespace rlnas::bench {
namespace {

using simulator::Call;
using simulator::Usage;
using simulator::Work;
using simulator::WorkKind;

constexpr int kWarmUps = 4;  // passes over the paths: graphs are captured, and given up, by the last
constexpr std::size_t kEndlessBytes = std::size_t{1} << 42;

HostBatch blank_batch(int count, int image_size, int classes) {
  HostBatch batch;
  batch.count = batch.global_count = count;
  batch.images.resize(std::size_t(count) * std::size_t(image_size * image_size * AugmentSpec::kChannels));
  batch.params.resize(std::size_t(count));
  for (int i = 0; i < count; ++i) batch.labels.push_back(i % classes);
  return batch;
}

// One number a choice, in the order of the genes, of each cell that has a path of its own; MobileNet's
// identity is -1.
std::vector<int> path_ops(TrainedNetwork& network, int path) {
  const bool has_identity = network.space().name() == mobilenet::space().name();
  std::vector<int> ops;
  for (const Genes& genes : network.paths(path))
    for (const int gene : genes)
      ops.push_back(has_identity && mobilenet::Op(gene) == mobilenet::Op::identity ? -1 : gene);
  return ops;
}

void add(const Work& work, const DeviceLimits& limits, double share, CountedWork& to) {
  to.calls += share;
  to.kernels += share * work.kernels;
  to.read_bytes += share * double(work.cost.read_bytes);
  to.written_bytes += share * double(work.cost.written_bytes);
  to.flops += share * double(work.cost.flops);
  to.least_s += share * least_seconds(work, limits);
  if (!work.assumption.empty()) to.assumption = work.assumption;
}

// Longest first.
std::vector<CountedWork> sorted(const std::map<std::string, CountedWork>& groups) {
  std::vector<CountedWork> list;
  for (const auto& [name, group] : groups) {
    list.push_back(group);
    list.back().name = name;
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.least_s > b.least_s; });
  return list;
}

// A training run's steps without its data: the next step is queued before the loss of the last is taken.
class Steps {
 public:
  explicit Steps(const CountedCase& of)
      : backend_(make_cuda_backend({.precision = of.precision, .graph_capture = of.graphs})),
        watched_(*backend_) {
    TrainConfig config = default_train_config(of.space);
    const int classes = config.data.image_size == 32 ? 10 : 1000;
    network_ = make_training_space(config, classes);
    constexpr Normalisation kNormalisation{{127.5f, 127.5f, 127.5f}, {64.0f, 64.0f, 64.0f}};
    spec_ = step_spec(config, {config.data.image_size, config.data.image_size, kNormalisation});
    spec_.sgd.learning_rate = float(config.recipe.learning_rate);
    batch_ = blank_batch(of.batch, config.data.image_size, classes);

    const auto dry = make_dry_backend(nullptr, &watched_);
    Executor on_paper(*dry, network_->layout(), kEndlessBytes);
    on_paper.step([&](Context& c, const Tensor& images) { return network_->forward_largest(c, images); },
                  batch_, spec_);
    executor_ = std::make_unique<Executor>(watched_, network_->layout(), on_paper.arena().peak_bytes());
    executor_->parameters().weights().upload(network_->layout().initial_parameters(0));
    executor_->statistics().upload(network_->layout().initial_statistics());
  }

  void step(int path) {
    simulator::begin_step();
    executor_->queue_step(
        [&](Context& context, const Tensor& images) { return network_->forward(context, images, path); },
        batch_, spec_);
    if (std::exchange(outstanding_, true)) executor_->take_loss();
  }
  void finish() {
    if (std::exchange(outstanding_, false)) executor_->take_loss();
    watched_.synchronize();
  }

  TrainedNetwork& network() { return *network_; }
  WatchedBackend& backend() { return watched_; }
  const Executor& executor() const { return *executor_; }

 private:
  std::unique_ptr<Backend> backend_;
  WatchedBackend watched_;
  std::unique_ptr<TrainedNetwork> network_;
  StepSpec spec_;
  HostBatch batch_;
  std::unique_ptr<Executor> executor_;
  bool outstanding_ = false;
};

void count_calls(const Usage& before, const Usage& after, double share, CountedStep& step) {
  const auto calls = [&](Call kind) {
    return share * double(after.calls[int(kind)] - before.calls[int(kind)]);
  };
  step.queued = share * double(after.queued - before.queued);
  step.captured = share * double(after.captured - before.captured);
  step.events = calls(Call::event);
  step.graph_calls = calls(Call::graph);
  step.host_waits = share * double(after.host_waits - before.host_waits + after.stream_synchronizations -
                                   before.stream_synchronizations);
  step.host_waits_at_once = share * double(after.host_waits_at_once - before.host_waits_at_once +
                                           after.stream_synchronizations - before.stream_synchronizations);
}

void count_work(const std::vector<Work>& log, double share, CountedStep& step) {
  const DeviceLimits& limits = limits_of(step.of.device);
  std::map<std::string, CountedWork> by_kernel, by_primitive;
  double extra_kernels = 0.0;
  for (const Work& work : log) {
    add(work, limits, share, step.all);
    add(work, limits, share, by_kernel[work.name]);
    add(work, limits, share, by_primitive[work.where]);
    step.assumed_bytes += share * double(work.assumed.read_bytes + work.assumed.written_bytes);
    extra_kernels += share * (work.kernels - 1);
    if (work.kind == WorkKind::kernel) {
      step.own_kernels += share;
    } else if (work.kind == WorkKind::cudnn || work.kind == WorkKind::cublas) {
      step.library_calls += share;
      step.library_kernels += share * work.kernels;
    } else {
      step.copies += share;
    }
    if (work.kind == WorkKind::copy_to_device)
      step.copied_to_device_bytes += share * double(work.cost.written_bytes);
  }
  step.all.kernels = step.own_kernels + step.library_kernels;
  step.all.assumption.clear();
  step.device_s = step.all.least_s;
  // A library queues its own kernels, unless they are in a graph.
  const double library_queues = step.of.graphs == GraphCapture::off ? extra_kernels : 0.0;
  step.host_s = (step.queued + step.captured + library_queues) * kQueueSeconds;
  step.by_kernel = sorted(by_kernel);
  step.by_primitive = sorted(by_primitive);
}

}  // namespace

CountedStep count_steps(const CountedCase& of) {
  limits_of(of.device);
  simulator::reset({.policy = simulator::Policy::eager,
                    .execution = simulator::Execution::counted,
                    .device = of.device,
                    .memory_bytes = kEndlessBytes});
  CountedStep step{.of = of};
  Steps steps(of);
  for (int path = 0; path < of.paths; ++path) step.paths.push_back(path_ops(steps.network(), path));
  for (int i = 0; i < kWarmUps; ++i)
    for (int path = 0; path < of.paths; ++path) steps.step(path);

  steps.backend().forget_workspaces();
  simulator::clear_work_log();
  const Usage before = simulator::usage();
  for (int path = 0; path < of.paths; ++path) steps.step(path);
  const double share = 1.0 / of.paths;
  count_calls(before, simulator::usage(), share, step);
  count_work(simulator::work_log(), share, step);
  step.scratch_bytes = double(steps.backend().largest_workspace_bytes());
  step.arena_bytes = double(steps.executor().arena().peak_bytes());
  step.fixed_bytes = double(steps.executor().fixed_bytes());
  step.weights = double(steps.network().layout().parameters().buffer_count());
  steps.finish();
  return step;
}

}  // namespace rlnas::bench
