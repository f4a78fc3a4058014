// Runs on several ranks as a whole: how they stop, go on, test, and refuse what does not fit together.
#include <doctest/doctest.h>

#include <array>
#include <filesystem>

#include "search/executor.h"
#include "search/rank_agreement.h"
#include "search/trained_network.h"
#include "tests/support/temporary_directory.h"
#include "tests/training/ranks_run.h"

namespace rlnas {

using namespace rlnas::test;

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
  config.run.resume = "auto";
  train_on(2, config);
  CHECK(result_of(config.run.out) == result_of(directory / "straight"));
}

TEST_CASE("a run goes on with another number of ranks") {
  const TemporaryDirectory directory;
  TrainConfig config = ranks_run(directory / "run");
  config.run.steps = 6;
  train_on(2, config);
  config.run.resume = "auto";
  config.run.steps = 8;
  train_on(3, config);
  config.run.steps = 0;
  CHECK(train(config).steps == 24);
}

TEST_CASE("rank 0 alone logs, reports and writes") {
  const TemporaryDirectory directory;
  TrainConfig config = ranks_run(directory / "run");
  config.recipe.epochs = 1;
  std::vector<int> calls(2, 0);
  std::vector<TrainResult> results(2);
  run_ranks(2, [&](Communicator& communicator) {
    TrainConfig own = config;
    const std::size_t rank = std::size_t(communicator.rank());
    if (rank == 1) own.run.out = directory / "nobody";
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
  for (const RankOutcome& outcome : outcomes_with([](TrainConfig& c) { c.recipe.learning_rate = 0.1; })) {
    CHECK(outcome.code == int(ErrorCode::usage));
    CHECK(outcome.error.find("rank 1 was started with other settings") != std::string::npos);
  }
  for (const RankOutcome& outcome : outcomes_with([](TrainConfig& c) { c.data.spec = "synthetic:91"; })) {
    CHECK(outcome.code == int(ErrorCode::data));
    CHECK(outcome.error.find("rank 1 reads other images") != std::string::npos);
  }
}

TEST_CASE("a batch with fewer images than ranks is refused") {
  const TemporaryDirectory directory;
  TrainConfig config = ranks_run(directory / "run");
  config.data.images = 82;  // the last batch of an epoch has 2
  for (const RankOutcome& outcome :
       run_ranks(3, [&](Communicator& communicator) { train(config, {}, communicator); })) {
    CHECK(outcome.code == int(ErrorCode::usage));
    CHECK(outcome.error.find("--batch-size 16") != std::string::npos);
  }
}

TEST_CASE("weights that come apart end the run on every rank") {
  const std::vector<RankOutcome> outcomes = run_ranks(2, [](Communicator& communicator) {
    const std::unique_ptr<Backend> backend = make_cpu_backend({.threads = 1});
    const std::unique_ptr<TrainedNetwork> space = make_training_space(TrainConfig{}, 10);
    Executor state(*backend, space->layout(), 1 << 20);
    check_same_weights(state.parameters().weights().download(), communicator);
    float* const last = state.parameters().weights().data() + state.parameters().table().buffer_count() - 1;
    const float changed = 1e-30f;
    if (communicator.rank() == 1) backend->upload(last, &changed, sizeof(changed));
    check_same_weights(state.parameters().weights().download(), communicator);
  });
  for (const RankOutcome& outcome : outcomes) {
    CHECK(outcome.code == int(ErrorCode::run_failed));
    CHECK(outcome.error.find("the weights of rank 1 differ") != std::string::npos);
  }
}

TEST_CASE("ranks test a retrained network together, with the running statistics that are saved") {
  const TemporaryDirectory directory;
  TrainConfig config = ranks_run(directory / "run");
  config.labels.kind = LabelKind::from_data;
  config.network.arch = "#0";
  config.eval.spec = "synthetic:50";
  std::array<TrainResult, 2> results;
  for (const RankOutcome& outcome : run_ranks(2, [&](Communicator& communicator) {
         results[std::size_t(communicator.rank())] = train(config, {}, communicator);
       }))
    REQUIRE(outcome.error == "");
  CHECK(results[0].evaluated);
  CHECK(results[0].test_loss == results[1].test_loss);
  config.run.resume = config.run.out;
  config.eval.only = true;
  const TrainResult alone = train(config);
  CHECK(alone.top1 == results[0].top1);
  CHECK(alone.top5 == results[0].top5);
  CHECK(alone.test_loss == doctest::Approx(results[0].test_loss).epsilon(1e-6));
}

}  // namespace rlnas
