// Training of several ranks, each a thread with a simulated device of its own: gradients are exchanged beside
// the backward pass (engine/comm/nccl_exchange.cpp) by the fake NCCL, with stages as graphs and without.
#include "engine/comm/gradient_exchange.h"

#include "search/recipes.h"
#include "search/trainer.h"
#include "tests/comm/fake_nccl.h"
#include "tests/simulator/compare_runs.h"
#include "tests/simulator/simulated.h"
#include "tests/simulator/tiny_run.h"
#include "tests/support/ranks.h"

namespace rlnas::test {
namespace {

using simulator::Policy;

constexpr int kSteps = 2;  // in a third the CPU and the device part: see training_test.cpp

// A communicator whose gradients go another way.
class OtherExchange final : public Communicator {
 public:
  using Make = std::function<std::unique_ptr<GradientExchange>(Device&, Communicator&)>;
  OtherExchange(Communicator& ranks, Make make)
      : Communicator(ranks.place()), ranks_(ranks), make_(std::move(make)) {}

  std::string description() const override { return ranks_.description(); }
  void all_reduce_sum(float* values, std::size_t count, const char* what) override {
    ranks_.all_reduce_sum(values, count, what);
  }
  void broadcast(void* data, std::size_t bytes, const char* what) override {
    ranks_.broadcast(data, bytes, what);
  }
  void all_gather(const void* mine, std::size_t bytes, void* all, const char* what) override {
    ranks_.all_gather(mine, bytes, all, what);
  }
  std::unique_ptr<GradientExchange> make_gradient_exchange(Device& device) override {
    return make_(device, ranks_);
  }

 private:
  Communicator& ranks_;
  Make make_;
};

// Ends its rank by an error in the first backward pass, with a part of the gradient sent.
class DyingExchange final : public GradientExchange {
 public:
  explicit DyingExchange(std::unique_ptr<GradientExchange> exchange) : exchange_(std::move(exchange)) {}

  std::string description() const override { return exchange_->description(); }
  void begin(float* gradient, std::size_t count, double weight) override {
    exchange_->begin(gradient, count, weight);
    middle_ = count / 2;
  }
  void final_from(std::size_t offset) override {
    if (offset < middle_) throw std::runtime_error("the rank dies");
    exchange_->final_from(offset);
  }
  void finish() override { exchange_->finish(); }
  void wait() override { exchange_->wait(); }

 private:
  std::unique_ptr<GradientExchange> exchange_;
  std::size_t middle_ = 0;
};

// Of rank 0; the ranks themselves see to it that all have the same weights.
TrainedRun train_ranks(int size, const TrainConfig& config, const OtherExchange::Make& make = {}) {
  TrainedRun run;
  TrainCallbacks callbacks;
  callbacks.progress = [&](const TrainProgress& progress) { run.losses.push_back(progress.loss); };
  const auto train_rank = [&](Communicator& ranks) {
    if (!make) return train(config, callbacks, ranks), void();
    OtherExchange other(ranks, make);
    train(config, callbacks, other);
  };
  for (const RankOutcome& outcome : run_ranks(size, train_rank)) REQUIRE(outcome.error == "");
  run.model = read_safetensors(config.run.out + "/latest.safetensors");
  return run;
}

// Uneven shares, of two images or three: of one, batch norm would have next to nothing to normalise by.
TrainConfig run_of(const std::string& out, int size, bool graphs) {
  TrainConfig config = tiny_run(out, kSteps);
  config.recipe.batch_size = 2 * size + 1;
  config.data.spec = "synthetic:" + std::to_string(kSteps * config.recipe.batch_size);
  config.device.cuda_graphs = graphs;
  return config;
}

// One that holds memory of a differentiable search too, which must not be given back before the exchange.
TrainConfig mixture_run(const std::string& out) {
  TrainConfig config = default_mixture_config("darts-cifar", TrainMethod::pc_darts);
  const TrainConfig tiny = tiny_run(out, 1);
  config.data.spec = "synthetic:16";
  config.data.image_size = 8;
  config.network.channels = 4;
  config.network.cells = 3;
  config.recipe.batch_size = 8;
  config.recipe.epochs = config.run.log_every = 1;
  config.device = tiny.device;
  config.run.out = out;
  return config;
}

}  // namespace

TEST_CASE("2 and 3 ranks on simulated devices, gradients by NCCL, equal as many ranks on the CPU") {
  const TemporaryDirectory directory;
  for (const int size : {2, 3}) {
    CAPTURE(size);
    const std::string out = directory / std::to_string(size);
    TrainConfig on_cpu = run_of(out + "cpu", size, false);
    on_cpu.device.name = "cpu";
    const TrainedRun expected = train_ranks(size, on_cpu);
    for (const bool graphs : {false, true}) {
      CAPTURE(graphs);
      reset_fake_nccl({});
      TrainedRun got;
      on_simulated_device({.devices = size}, [&] {
        got = train_ranks(size, run_of(out + (graphs ? "graphs" : "plain"), size, graphs));
        CHECK((simulator::usage().graph_launches > 0) == graphs);
      });
      CHECK(fake_all_reduces() > 2 * kSteps * size);  // in buckets, beside the backward pass
      CHECK(fake_aborts() == 0);
      check_close(got, expected, {.loss = 1e-6, .weights = 2e-5});
    }
  }
}

TEST_CASE("gradients by NCCL have the bits of those exchanged by the host, under every policy") {
  const TemporaryDirectory directory;
  reset_fake_nccl({});
  on_simulated_device({.devices = 2}, [&] {
    train_ranks(2, run_of(directory / "host", 2, false), [](Device& device, Communicator& ranks) {
      return std::make_unique<HostExchange>(device, ranks);
    });
  });
  CHECK(fake_all_reduces() == 0);
  int runs = 0;
  for (const Policy policy : simulator::kPolicies) {
    const std::string out = directory / std::to_string(runs);
    on_simulated_device({.policy = policy, .devices = 2},
                        [&] { train_ranks(2, run_of(out, 2, ++runs % 2 == 0)); });
    CHECK(bytes_of(out) == bytes_of(directory / "host"));
  }
}

// They are told by NCCL, or, before they ask it or where it says nothing, by TCP.
TEST_CASE("a rank that dies in the backward pass, with a part of its gradient sent, ends the others") {
  for (const Death death : {Death::seen, Death::silent}) {
    CAPTURE(int(death));
    reset_fake_nccl({.death = death});
    const TemporaryDirectory directory;
    const TrainConfig config =
        death == Death::seen ? run_of(directory / "run", 3, false) : mixture_run(directory / "run");
    std::vector<RankOutcome> outcomes;
    on_simulated_device({.devices = 3}, [&] {
      outcomes = run_ranks(3, [&](Communicator& ranks) {
        OtherExchange other(ranks, [](Device& device, Communicator& c) {
          std::unique_ptr<GradientExchange> exchange = c.make_gradient_exchange(device);
          if (c.rank() != 1) return exchange;
          return std::unique_ptr<GradientExchange>(new DyingExchange(std::move(exchange)));
        });
        train(config, {}, other);
      });
    });
    CHECK(outcomes[1].error == "the rank dies");
    for (const std::size_t rank : {0u, 2u}) {
      const std::string& error = outcomes[rank].error;
      CAPTURE(error);
      CHECK(outcomes[rank].code == int(ErrorCode::communication));
      CHECK(error.find('\n') == std::string::npos);
      const bool by_nccl = error.find("gradient all-reduce: ncclAllReduce: simulated") != std::string::npos;
      CHECK((by_nccl || error.find("lost rank") != std::string::npos));
    }
    CHECK(fake_all_reduces() > 0);
    CHECK(fake_communicators() == 0);
  }
}

TEST_CASE("a device that fails under one of three ranks ends all of them") {
  const TemporaryDirectory directory;
  reset_fake_nccl({});
  std::int64_t operations = 0;
  on_simulated_device({.devices = 3}, [&] {
    train_ranks(3, run_of(directory / "whole", 3, false));
    operations = simulator::usage().calls[int(simulator::Call::execute)];
  });
  for (const std::int64_t at : {operations / 3, operations / 2, operations - operations / 4}) {
    CAPTURE(at);
    std::vector<RankOutcome> outcomes;
    on_simulated_device({.devices = 3, .fail_kind = simulator::Call::execute, .fail_at = at}, [&] {
      outcomes = run_ranks(3, [&](Communicator& ranks) {
        train(run_of(directory / std::to_string(at), 3, false), {}, ranks);
      });
    });
    int failed = 0;
    for (const RankOutcome& outcome : outcomes) {
      CAPTURE(outcome.error);
      failed += outcome.code == int(ErrorCode::device);
      CHECK((outcome.code == int(ErrorCode::device) || outcome.code == int(ErrorCode::communication)));
      CHECK(outcome.error.find('\n') == std::string::npos);
    }
    CHECK(failed == 1);
    CHECK(fake_communicators() == 0);
  }
}

}  // namespace rlnas::test
