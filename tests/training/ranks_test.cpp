// Data-parallel training: what several ranks compute, against one process that does all their parts itself.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "data/batch_loader.h"
#include "engine/safetensors.h"
#include "engine/schedule.h"
#include "search/checkpoint.h"
#include "search/rank_agreement.h"
#include "search/spaces.h"
#include "search/standalone.h"
#include "search/train_settings.h"
#include "search/trainer.h"
#include "search/training_data.h"
#include "search/training_state.h"
#include "tests/support/ranks.h"
#include "tests/support/temporary_directory.h"
#include "tests/training/small_run.h"

namespace rlnas {
namespace {

using namespace rlnas::test;

// 24 steps, the last of an epoch with 10 images: shares that no small number of ranks divides evenly.
TrainConfig ranks_run(const std::string& out) {
  TrainConfig config = small_run(out);
  config.data = "synthetic:90";
  config.epochs = 4;
  config.threads = 1;
  return config;
}

void train_on(int size, const TrainConfig& config) {
  for (const RankOutcome& outcome :
       run_ranks(size, [&](Communicator& communicator) { train(config, {}, communicator); }))
    REQUIRE(outcome.error == "");
}

std::vector<std::vector<float>> tensors_of(const std::string& file) {
  std::vector<std::vector<float>> all;
  for (const NamedTensor& tensor : read_safetensors(file).tensors) all.push_back(tensor.data);
  return all;
}
std::vector<std::vector<float>> result_of(const std::string& run) {
  return tensors_of(run + "/latest.safetensors");
}

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
  const std::unique_ptr<TrainingSpace> space = make_training_space(config, data.classes);
  const BatchLoader loader(data.dataset, data.indices, data.labels,
                           {.batch_size = config.batch_size, .seed = config.seed});
  TrainingState state(*backend, space->layout(), std::size_t{64} << 20);
  Interception interception(*backend);
  state.set_exchange(&interception);
  state.parameters().weights().upload(space->layout().initial_parameters(config.seed));
  state.statistics().upload(space->layout().initial_statistics());
  StepSpec spec = step_spec(config, data.format);

  HostBatch batch;
  for (int step = 0; step < loader.steps_per_epoch() * config.epochs; ++step) {
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

}  // namespace

TEST_CASE("2 and 3 ranks give the bits of one process that computes all shares and averages") {
  const TemporaryDirectory directory;
  for (const int size : {2, 3}) {
    const TrainConfig config = ranks_run(directory / std::to_string(size));
    train_on(size, config);
    CHECK(result_of(config.out) == reenact(config, size));
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

// Where every rank sees the same images, its batch norm sees what that of one rank sees on all of them. What
// is left is rounding, which parts the runs as soon as it changes the sign of a value that ReLU sees: in
// three of four initialisations within these 20 steps of small batches. Runs without such an accident agree.
TEST_CASE("20 steps of 2 ranks on the same images equal one rank on both copies, to 1e-4") {
  TrainConfig config = ranks_run("");
  config.batch_size = 8;
  const TrainingData data = load_training_data(config);
  const BatchLoader loader(data.dataset, data.indices, data.labels, {.batch_size = 8, .seed = 0});
  StepSpec spec = step_spec(config, data.format);
  spec.sgd.learning_rate = 0.0005f;
  const auto run = [&](int copies, std::uint64_t seed, Communicator& communicator) {
    // By one algorithm: auto would take Winograd for both copies alone, whose rounding is another.
    const std::unique_ptr<Backend> backend =
        make_cpu_backend({.threads = 1, .conv_algorithm = ConvAlgorithm::direct});
    const std::unique_ptr<TrainingSpace> space = make_training_space(config, data.classes);
    TrainingState state(*backend, space->layout(), std::size_t{64} << 20);
    const std::unique_ptr<GradientExchange> exchange = communicator.make_gradient_exchange(*backend);
    state.set_exchange(exchange.get());
    state.parameters().weights().upload(space->layout().initial_parameters(seed));
    state.statistics().upload(space->layout().initial_statistics());
    for (int step = 0; step < 20; ++step) {
      HostBatch once;
      loader.fill(step / 11, step % 11, once);
      HostBatch batch = once;
      for (int i = 1; i < copies; ++i) {
        batch.images.insert(batch.images.end(), once.images.begin(), once.images.end());
        batch.params.insert(batch.params.end(), once.params.begin(), once.params.end());
        batch.labels.insert(batch.labels.end(), once.labels.begin(), once.labels.end());
      }
      batch.count = copies * once.count;
      batch.global_count = 2 * once.count;
      state.step(
          [&](Context& context, const Tensor& images) { return space->forward(context, images, step); },
          batch, spec);
    }
    return state.parameters().weights().download();
  };
  // Over the way that the weights went.
  const auto difference = [&](std::uint64_t seed) {
    SingleProcess single;
    const std::vector<float> one = run(2, seed, single);
    std::vector<std::vector<float>> two(2);
    run_ranks(2, [&](Communicator& communicator) {
      two[std::size_t(communicator.rank())] = run(1, seed, communicator);
    });
    CHECK(two[0] == two[1]);  // bit for bit
    const std::vector<float> initial =
        make_training_space(config, data.classes)->layout().initial_parameters(seed);
    double apart = 0.0, way = 0.0;
    for (std::size_t i = 0; i < one.size(); ++i) {
      apart += std::pow(double(one[i]) - two[0][i], 2);
      way += std::pow(double(one[i]) - initial[i], 2);
    }
    CHECK(way > 0.0);
    return std::sqrt(apart / way);
  };
  constexpr std::uint64_t kInitialisations = 16;
  double smallest = 1.0;
  for (std::uint64_t seed = 0; seed < kInitialisations && smallest >= 1e-4; ++seed)
    smallest = std::min(smallest, difference(seed));
  CHECK(smallest < 1e-4);
}

TEST_CASE("a run of 2 ranks stops together when one is told to, and resumes to the same bits") {
  const TemporaryDirectory directory;
  train_on(2, ranks_run(directory / "straight"));
  TrainConfig config = ranks_run(directory / "stopped");
  std::vector<TrainResult> results(2);
  run_ranks(2, [&](Communicator& communicator) {
    int polls = 0;
    TrainCallbacks callbacks;
    callbacks.should_stop = [&] { return ++polls == 5 && communicator.rank() == 1; };
    results[std::size_t(communicator.rank())] = train(config, callbacks, communicator);
  });
  for (const TrainResult& result : results) {
    CHECK(result.interrupted);
    CHECK(result.steps == 5);
  }
  config.resume = "auto";
  train_on(2, config);
  CHECK(result_of(config.out) == result_of(directory / "straight"));
}

TEST_CASE("a run goes on with another number of ranks") {
  const TemporaryDirectory directory;
  TrainConfig config = ranks_run(directory / "run");
  config.steps = 6;
  train_on(2, config);
  config.resume = "auto";
  config.steps = 8;
  train_on(3, config);
  config.steps = 0;
  CHECK(train(config).steps == 24);
}

TEST_CASE("rank 0 alone logs, reports and writes") {
  const TemporaryDirectory directory;
  TrainConfig config = ranks_run(directory / "run");
  config.epochs = 1;
  std::vector<int> calls(2, 0);
  std::vector<TrainResult> results(2);
  run_ranks(2, [&](Communicator& communicator) {
    TrainConfig own = config;
    const std::size_t rank = std::size_t(communicator.rank());
    if (rank == 1) own.out = directory / "nobody";
    const TrainCallbacks callbacks{.log = [&](const std::string&) { ++calls[rank]; },
                                   .progress = [&](const TrainProgress&) { ++calls[rank]; },
                                   .should_stop = {}};
    results[rank] = train(own, callbacks, communicator);
  });
  CHECK(calls[0] > 6);
  CHECK(calls[1] == 0);
  CHECK(!std::filesystem::exists(directory / "nobody"));
  CHECK(results[0].loss == results[1].loss);
  CHECK(results[0].steps == 6);
}

TEST_CASE("ranks with other settings, or other images, are refused on every rank") {
  const TemporaryDirectory directory;
  const auto outcomes_with = [&](const std::function<void(TrainConfig&)>& change) {
    return run_ranks(2, [&](Communicator& communicator) {
      TrainConfig config = ranks_run(directory / "run");
      if (communicator.rank() == 1) change(config);
      train(config, {}, communicator);
    });
  };
  for (const RankOutcome& outcome : outcomes_with([](TrainConfig& c) { c.learning_rate = 0.1; })) {
    CHECK(outcome.code == int(ErrorCode::usage));
    CHECK(outcome.error.find("rank 1 was started with other settings") != std::string::npos);
  }
  for (const RankOutcome& outcome : outcomes_with([](TrainConfig& c) { c.data = "synthetic:91"; })) {
    CHECK(outcome.code == int(ErrorCode::data));
    CHECK(outcome.error.find("rank 1 reads other images") != std::string::npos);
  }
}

TEST_CASE("a batch with fewer images than ranks is refused") {
  const TemporaryDirectory directory;
  TrainConfig config = ranks_run(directory / "run");
  config.images = 82;  // the last batch of an epoch has 2
  for (const RankOutcome& outcome :
       run_ranks(3, [&](Communicator& communicator) { train(config, {}, communicator); })) {
    CHECK(outcome.code == int(ErrorCode::usage));
    CHECK(outcome.error.find("--batch-size 16") != std::string::npos);
  }
}

TEST_CASE("weights that come apart end the run on every rank") {
  const std::vector<RankOutcome> outcomes = run_ranks(2, [](Communicator& communicator) {
    const std::unique_ptr<Backend> backend = make_cpu_backend({.threads = 1});
    const std::unique_ptr<TrainingSpace> space = make_training_space(TrainConfig{}, 10);
    TrainingState state(*backend, space->layout(), 1 << 20);
    check_same_weights(state, communicator);
    float* const last = state.parameters().weights().data() + state.parameters().table().buffer_count() - 1;
    const float changed = 1e-30f;
    if (communicator.rank() == 1) backend->upload(last, &changed, sizeof(changed));
    check_same_weights(state, communicator);
  });
  for (const RankOutcome& outcome : outcomes) {
    CHECK(outcome.code == int(ErrorCode::run_failed));
    CHECK(outcome.error.find("the weights of rank 1 differ") != std::string::npos);
  }
}

namespace {

// What an exchange beside the backward pass relies on: what that calls final it leaves alone.
void check_marks(const TrainConfig& config, int steps, int marks) {
  class Watch final : public GradientExchange {
   public:
    std::string description() const override { return "test"; }
    void begin(float* gradient, std::size_t count, double) override {
      gradient_ = gradient;
      end_ = count;
      snapshot_.assign(count, 0.0f);
    }
    void final_from(std::size_t offset) override {
      REQUIRE(offset < end_);
      std::copy(gradient_ + offset, gradient_ + end_, snapshot_.begin() + std::ptrdiff_t(offset));
      end_ = offset;
      ++marks;
    }
    void finish() override {
      same = std::equal(snapshot_.begin() + std::ptrdiff_t(end_), snapshot_.end(), gradient_ + end_);
    }
    void wait() override {}
    int marks = 0;
    bool same = false;

   private:
    float* gradient_ = nullptr;  // of the CPU backend: host memory
    std::size_t end_ = 0;
    std::vector<float> snapshot_;
  } watch;
  const TrainingData data = load_training_data(config);
  const BatchLoader loader(data.dataset, data.indices, data.labels, {.batch_size = 4, .seed = 0});
  const std::unique_ptr<Backend> backend = make_cpu_backend({.threads = 1});
  const std::unique_ptr<TrainingSpace> space = make_trained_network(config, {.classes = data.classes});
  TrainingState state(*backend, space->layout(), std::size_t{64} << 20);
  state.set_exchange(&watch);
  state.parameters().weights().upload(space->layout().initial_parameters(0));
  HostBatch batch;
  for (int step = 0; step < steps; ++step) {
    watch.marks = 0;
    loader.fill(0, step, batch);
    state.step([&](Context& context, const Tensor& images) { return space->forward(context, images, step); },
               batch, step_spec(config, data.format));
    CHECK(watch.same);
    CHECK(watch.marks == marks);
  }
}

}  // namespace

TEST_CASE("what the backward pass calls final it leaves alone") {
  check_marks(ranks_run(""), 10, 18);  // 15 cells, 2 residual blocks, the head
}

TEST_CASE("so do stand-alone networks: cells without weights, and an auxiliary head in the middle") {
  TrainConfig config = ranks_run("");
  config.labels = "true";
  config.arch = "#1835";      // nothing but skips
  check_marks(config, 2, 3);  // the residual blocks and the head
  config = default_retrain_config("darts-cifar");
  config.arch = "5,4 6,0,5 4,0,0,7 0,7,6,0,0 | 5,6 4,0,5 0,6,0,4 0,1,5,0,0";
  config.data = "synthetic:96";
  config.channels = config.cells = 4;
  check_marks(config, 2, 5);  // four cells and the head
}

TEST_CASE("ranks test a retrained network together, with the running statistics that are saved") {
  const TemporaryDirectory directory;
  TrainConfig config = ranks_run(directory / "run");
  config.labels = "true";
  config.arch = "#0";
  config.eval = "synthetic:50";
  std::array<TrainResult, 2> results;
  for (const RankOutcome& outcome : run_ranks(2, [&](Communicator& communicator) {
         results[std::size_t(communicator.rank())] = train(config, {}, communicator);
       }))
    REQUIRE(outcome.error == "");
  CHECK(results[0].evaluated);
  CHECK(results[0].test_loss == results[1].test_loss);
  config.resume = config.out;
  config.eval_only = true;
  const TrainResult alone = train(config);
  CHECK(alone.top1 == results[0].top1);
  CHECK(alone.top5 == results[0].top5);
  CHECK(alone.test_loss == doctest::Approx(results[0].test_loss).epsilon(1e-6));
}

}  // namespace rlnas
