// Data-parallel training: what several ranks compute, against one process that does all their parts itself.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <functional>

#include "data/batch_loader.h"
#include "engine/schedule.h"
#include "ops/classifier.h"
#include "ops/conv.h"
#include "ops/norm_sum.h"
#include "ops/pool.h"
#include "search/checkpoint.h"
#include "search/train_settings.h"
#include "search/trained_network.h"
#include "search/training_data.h"
#include "tests/support/temporary_directory.h"
#include "tests/training/ranks_run.h"

namespace rlnas {
namespace {

using namespace rlnas::test;

// Keeps the gradient of a backward pass, or puts another in its place.
class Interception final : public GradientExchange {
 public:
  explicit Interception(Backend& backend) : backend_(backend) {}
  std::string description() const override { return "test"; }
  void begin(float* gradient, std::size_t count, double) override {
    gradient_ = gradient;
    own.resize(count);
  }
  void final_from(std::size_t) override {}
  void finish() override {
    backend_.download(own.data(), gradient_, own.size() * sizeof(float));
    if (!instead.empty()) backend_.upload(gradient_, instead.data(), instead.size() * sizeof(float));
  }
  void wait() override {}

  std::vector<float> own, instead;

 private:
  Backend& backend_;
  float* gradient_ = nullptr;
};

// The images [begin, end) of a batch.
HostBatch part_of(const HostBatch& batch, int begin, int end) {
  const std::size_t image_bytes = batch.images.size() / std::size_t(batch.count);
  HostBatch part;
  part.count = end - begin;
  part.global_count = batch.count;
  part.images.assign(batch.images.begin() + begin * std::ptrdiff_t(image_bytes),
                     batch.images.begin() + end * std::ptrdiff_t(image_bytes));
  part.params.assign(batch.params.begin() + begin, batch.params.begin() + end);
  part.labels.assign(batch.labels.begin() + begin, batch.labels.begin() + end);
  return part;
}

// The run of `size` ranks in one process: each step computes the gradient of every share from the same
// weights, and takes the step with their weighted mean. Returns the final weights and rank 0's statistics.
std::vector<std::vector<float>> reenact(const TrainConfig& config, int size) {
  const std::unique_ptr<Backend> backend = make_cpu_backend({.threads = 1});
  const TrainingData data = load_training_data(config);
  const std::unique_ptr<TrainedNetwork> space = make_training_space(config, data.classes);
  const BatchLoader loader(data.dataset, data.indices, data.labels,
                           {.plan = {.batch_size = config.recipe.batch_size, .seed = config.recipe.seed}});
  Executor state(*backend, space->layout(), std::size_t{64} << 20);
  Interception interception(*backend);
  state.set_exchange(&interception);
  state.parameters().weights().upload(space->layout().initial_parameters(config.recipe.seed));
  state.statistics().upload(space->layout().initial_statistics());
  StepSpec spec = step_spec(config, data.format);

  HostBatch batch;
  for (int step = 0; step < loader.steps_per_epoch() * config.recipe.epochs; ++step) {
    const int epoch = step / loader.steps_per_epoch();
    spec.sgd.learning_rate = float(learning_rate(schedule_spec(config, data.indices.size()), step));
    loader.fill(epoch, step % loader.steps_per_epoch(), batch);
    const auto run_share = [&](int rank) {
      const HostBatch share = part_of(batch, batch.count * rank / size, batch.count * (rank + 1) / size);
      state.step(
          [&](Context& context, const Tensor& images) { return space->forward(context, images, step); },
          share, spec);
      return float(double(share.count) / batch.count);
    };
    const std::vector<float> weights = state.parameters().weights().download();
    const std::vector<float> momentum = state.parameters().momentum().download();
    const std::vector<std::uint8_t> sampled = state.parameters().ever_sampled();
    std::vector<float> mean, statistics;
    for (int rank = 0; rank < size; ++rank) {
      const std::vector<float> before = state.statistics().download();
      interception.instead.clear();
      const float weight = run_share(rank);
      if (rank == 0) mean.assign(interception.own.size(), 0.0f);
      for (std::size_t i = 0; i < mean.size(); ++i)
        mean[i] = rank == 0 ? weight * interception.own[i] : mean[i] + weight * interception.own[i];
      if (rank == 0) statistics = state.statistics().download();
      state.statistics().upload(before);
      state.parameters().weights().upload(weights);
      state.parameters().momentum().upload(momentum);
      state.parameters().set_ever_sampled(sampled);
    }
    interception.instead = mean;
    run_share(0);  // the optimiser step itself
    state.statistics().upload(statistics);
  }
  std::vector<std::vector<float>> result;
  for (const NamedTensor& tensor : model_tensors(state.parameters().weights(), state.statistics()).tensors)
    result.push_back(tensor.data);
  return result;
}

// A small network that is smooth in its weights: no ReLU or maximum, whose sign rounding could change.
struct SmoothNetwork {
  ModelBuilder builder;
  Conv2d stem = builder.conv("stem", {.in_channels = 3, .out_channels = 8, .kernel = 3, .padding = 1});
  BatchNorm stem_norm = builder.batch_norm("stem_norm", 8, Affine::yes);
  Conv2d a = builder.conv("a", {.in_channels = 8, .out_channels = 8, .kernel = 3, .padding = 1});
  BatchNorm a_norm = builder.batch_norm("a_norm", 8, Affine::yes);
  Conv2d down =
      builder.conv("down", {.in_channels = 8, .out_channels = 16, .kernel = 3, .stride = 2, .padding = 1});
  BatchNorm down_norm = builder.batch_norm("down_norm", 16, Affine::yes);
  Linear classifier = builder.linear("classifier", 16, 10);

  Tensor forward(Context& c, const Tensor& images) const {
    const auto sum = [&](std::vector<SumTerm> terms) {
      return norm_sum(c, std::move(terms), SumOutput::sum, Activation::none).sum;
    };
    const Tensor x = sum({conv_norm(c, images, stem, stem_norm)});
    const Tensor y = sum({conv_norm(c, x, a, a_norm), average_3x3(x), {x}});
    const Tensor z = sum({conv_norm(c, y, down, down_norm)});
    return linear(c, global_avg_pool(c, z), classifier);
  }
};

// The weights and the last gradient after `steps` steps of batches that hold 8 images once on each of two
// ranks, or `copies` times on this one.
struct Outcome {
  std::vector<float> weights, gradient;
};
Outcome run_copies(int copies, int steps, Backend& backend, Communicator& communicator,
                   const ModelBuilder& layout, const Executor::Forward& forward) {
  constexpr int kImages = 8, kRanks = 2;
  const TrainConfig config = ranks_run("");
  const TrainingData data = load_training_data(config);
  const BatchLoader loader(data.dataset, data.indices, data.labels,
                           {.plan = {.batch_size = kImages, .seed = 0}});
  StepSpec spec = step_spec(config, data.format);
  spec.sgd.learning_rate = 0.01f;
  Executor state(backend, layout, std::size_t{64} << 20);
  const std::unique_ptr<GradientExchange> exchange = communicator.make_gradient_exchange(backend);
  state.set_exchange(exchange.get());
  state.parameters().weights().upload(layout.initial_parameters(0));
  state.statistics().upload(layout.initial_statistics());
  for (int step = 0; step < steps; ++step) {
    HostBatch once;
    loader.fill(step / 11, step % 11, once);
    HostBatch batch = once;
    for (int i = 1; i < copies; ++i) {
      batch.images.insert(batch.images.end(), once.images.begin(), once.images.end());
      batch.params.insert(batch.params.end(), once.params.begin(), once.params.end());
      batch.labels.insert(batch.labels.end(), once.labels.begin(), once.labels.end());
    }
    batch.count = copies * once.count;
    batch.global_count = kRanks * once.count;
    state.step(forward, batch, spec);
  }
  return {state.parameters().weights().download(), state.parameters().gradient().download()};
}

// What one rank gives on both copies, and each of two on one.
struct Comparison {
  Outcome one;
  std::array<Outcome, 2> two;
};
Comparison compare(int steps, const std::function<std::unique_ptr<Backend>()>& make_backend,
                   const ModelBuilder& layout, const Executor::Forward& forward) {
  Comparison result;
  SingleProcess single;
  result.one = run_copies(2, steps, *make_backend(), single, layout, forward);
  for (const RankOutcome& outcome : run_ranks(2, [&](Communicator& communicator) {
         result.two[std::size_t(communicator.rank())] =
             run_copies(1, steps, *make_backend(), communicator, layout, forward);
       }))
    REQUIRE(outcome.error == "");
  CHECK(result.two[0].weights == result.two[1].weights);  // bit for bit
  return result;
}

// The L2 norm of a - b, or of a.
double norm_of(const float* a, const float* b, std::size_t count) {
  double square = 0.0;
  for (std::size_t i = 0; i < count; ++i) square += std::pow(double(a[i]) - (b != nullptr ? b[i] : 0.0), 2);
  return std::sqrt(square);
}

}  // namespace

TEST_CASE("2 and 3 ranks give the bits of one process that computes all shares and averages") {
  const TemporaryDirectory directory;
  for (const int size : {2, 3}) {
    const TrainConfig config = ranks_run(directory / std::to_string(size));
    train_on(size, config);
    CHECK(result_of(config.run.out) == reenact(config, size));
  }
  CHECK(result_of(directory / "2") != result_of(directory / "3"));  // batch norm sees other shares
}

TEST_CASE("one rank is a plain run, and a run of ranks repeats") {
  const TemporaryDirectory directory;
  train(ranks_run(directory / "plain"));
  CHECK(reenact(ranks_run(""), 1) == result_of(directory / "plain"));
  train_on(2, ranks_run(directory / "a"));
  train_on(2, ranks_run(directory / "b"));
  CHECK(result_of(directory / "a") == result_of(directory / "b"));
}

// Where every rank sees the same images, its batch norm sees what that of one rank sees on all of them, and
// only rounding is left between the two.
TEST_CASE("2 ranks on the same images have the gradient of one rank on both copies, to rounding") {
  TrainConfig config = ranks_run("");
  const std::unique_ptr<TrainedNetwork> space = make_training_space(config, 10);
  const ModelBuilder& layout = space->layout();
  const Comparison c = compare(1, make_ref_backend, layout, [&](Context& context, const Tensor& images) {
    return make_training_space(config, 10)->forward(context, images, 0);
  });
  int compared = 0;
  for (const Segment& s : layout.parameters()) {
    const float *const one = c.one.gradient.data() + s.offset, *const two =
                                                                   c.two[0].gradient.data() + s.offset;
    const double size = norm_of(one, nullptr, std::size_t(s.count));
    INFO(s.name);
    CHECK(norm_of(one, two, std::size_t(s.count)) <= 1e-6 * size);
    if (size > 0.0) ++compared;
  }
  CHECK(compared > 30);  // the sampled path
}

TEST_CASE("20 smooth steps of 2 ranks on the same images equal one rank on both copies, to 1e-5") {
  const SmoothNetwork network;
  const ModelBuilder& layout = network.builder;
  const Comparison c = compare(
      20, [] { return make_cpu_backend({.threads = 1, .conv_algorithm = ConvAlgorithm::direct}); }, layout,
      [&](Context& context, const Tensor& images) { return network.forward(context, images); });
  const std::vector<float> initial = layout.initial_parameters(0);
  // Over the way that the weights went.
  const double way = norm_of(c.one.weights.data(), initial.data(), initial.size());
  CHECK(way > 0.1);
  CHECK(norm_of(c.one.weights.data(), c.two[0].weights.data(), initial.size()) < 1e-5 * way);
}

}  // namespace rlnas
