// Differentiable searches as runs: bits, resumption, ranks, what they tell and write, and what they refuse.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "search/darts/genotype.h"
#include "search/darts/mixed_cell.h"
#include "search/darts/space.h"
#include "search/mixture_mover.h"
#include "search/rank_agreement.h"
#include "search/spaces.h"
#include "search/training_data.h"
#include "tests/support/errors.h"
#include "tests/support/temporary_directory.h"
#include "tests/training/ranks_run.h"

namespace rlnas {
namespace {

using namespace rlnas::test;

// Eight steps in two epochs, of which the second moves alphas and betas.
TrainConfig small_search(const std::string& out, TrainMethod method = TrainMethod::pc_darts) {
  TrainConfig config = default_mixture_config("darts-cifar", method);
  const TrainConfig small = small_run(out);
  config.data.spec = "synthetic:60";  // 30 to train on, the last batch of 6
  config.data.image_size = 8;
  config.recipe.batch_size = 8;
  config.recipe.epochs = 2;
  config.mixture.begin = 1;
  config.network.channels = 4;
  config.network.cells = 3;
  config.run.log_every = 1;
  config.device = small.device;
  config.run.out = out;
  return config;
}

const NamedTensor& alphas_of(const TensorFile& file) {
  const NamedTensor* const found = file.find("alphas_normal");
  REQUIRE(found != nullptr);
  return *found;
}

std::vector<float> alphas_of(const std::string& run) {
  return alphas_of(read_safetensors(run + "/latest.safetensors")).data;
}

std::vector<std::string> epoch_events(const std::string& run) {
  std::vector<std::string> lines;
  std::ifstream in(run + "/events.jsonl");
  for (std::string line; std::getline(in, line);)
    if (nlohmann::json::parse(line)["event"] == "epoch") lines.push_back(line);
  return lines;
}

}  // namespace

TEST_CASE("a differentiable search has the same bits with any number of threads and after any resumption") {
  const TemporaryDirectory directory;
  for (const TrainMethod method : {TrainMethod::pc_darts, TrainMethod::darts}) {
    CAPTURE(int(method));
    const std::string name = std::to_string(int(method));
    TrainConfig config = small_search(directory / ("straight" + name), method);
    config.device.threads = 2;
    train(config);
    const auto straight = result_of(config.run.out);
    config.run.out = directory / ("one thread" + name);
    config.device.threads = 1;
    train(config);
    CHECK(result_of(config.run.out) == straight);
    // Before alphas move, between the epochs, while they do.
    const std::vector<std::int64_t> stops =
        method == TrainMethod::pc_darts ? std::vector<std::int64_t>{2, 4, 6} : std::vector<std::int64_t>{6};
    for (const std::int64_t stop : stops) {
      TrainConfig stopped = small_search(directory / ("stopped" + name + std::to_string(stop)), method);
      stopped.run.steps = stop;
      train(stopped);
      CHECK(result_of(stopped.run.out) != straight);
      stopped.run.steps = 0;
      stopped.run.resume = "auto";
      train(stopped);
      CHECK(result_of(stopped.run.out) == straight);
      const auto epoch_of = [](const std::string& run) {
        nlohmann::json event = nlohmann::json::parse(epoch_events(run).back());
        for (const char* const of_time : {"time_s", "images_per_s"}) event.erase(of_time);
        return event;
      };
      CHECK(epoch_of(stopped.run.out) == epoch_of(directory / ("straight" + name)));
    }
  }
}

TEST_CASE("alphas stand still before --begin and move from then on, what is found is told and written") {
  const TemporaryDirectory directory;
  TrainConfig config = small_search(directory / "run");
  config.run.steps = 4;
  std::vector<TrainProgress> epochs;
  TrainCallbacks callbacks;
  callbacks.progress = [&](const TrainProgress& now) {
    if (now.epoch_end) epochs.push_back(now);
  };
  train(config, callbacks);
  const std::vector<float> before = alphas_of(config.run.out);
  CHECK(alphas_of(read_safetensors(config.run.out + "/resume.safetensors")).data == before);
  config.run.steps = 0;
  config.run.resume = "auto";
  const TrainResult result = train(config, callbacks);
  const std::vector<float> after = alphas_of(config.run.out);
  REQUIRE(after.size() == 14 * 8);
  double furthest = 0.0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    CHECK(after[i] != before[i]);
    furthest = std::max(furthest, double(std::abs(after[i] - before[i])));
  }
  CHECK(furthest < 4 * 1.1 * 6e-4);  // about Adam's rate, four times

  REQUIRE(epochs.size() == 2);
  REQUIRE(epochs[0].mixture);
  REQUIRE(epochs[1].mixture);
  CHECK(!epochs[0].mixture->moves);
  CHECK(epochs[1].mixture->moves);
  CHECK(epochs[1].mixture->held_out_loss > 0.5);
  CHECK(epochs[1].mixture->entropy == doctest::Approx(std::log(8.0)).epsilon(1e-4));
  CHECK(!epochs[0].has_angles);
  CHECK(epochs[1].mixture->genotype == result.genotype);
  CHECK(read_text(config.run.out + "/genotype.txt") == result.genotype + "\n");
  const std::vector<std::string> events = epoch_events(config.run.out);
  REQUIRE(events.size() == 2);
  const auto last = nlohmann::json::parse(events.back());
  CHECK(last["genotype"] == result.genotype);
  CHECK(last["held_out_loss"] == epochs[1].mixture->held_out_loss);
  CHECK(!nlohmann::json::parse(events.front()).contains("held_out_loss"));
  // --arch takes it.
  const Space& space = find_space("darts-cifar");
  CHECK(space.text(space.parse(result.genotype)) == result.genotype);
  CHECK(space.valid(space.parse(result.genotype)));
}

TEST_CASE("a differentiable search on 2 ranks stops, resumes to the same bits, and trains both alike") {
  const TemporaryDirectory directory;
  TrainConfig config = small_search(directory / "straight");
  config.device.threads = 1;
  train_on(2, config);
  const auto straight = result_of(config.run.out);
  config.run.out = directory / "stopped";
  config.run.steps = 6;
  train_on(2, config);
  config.run.steps = 0;
  config.run.resume = "auto";
  train_on(2, config);
  CHECK(result_of(config.run.out) == straight);
}

TEST_CASE("gradients of the mixture are means over all images, whatever share a rank has of them") {
  std::vector<std::vector<double>> results(3);
  for (const RankOutcome& outcome : run_ranks(3, [&](Communicator& communicator) {
         const double rank = communicator.rank();
         results[std::size_t(communicator.rank())] =
             mean_over_ranks({1.0 + rank, 10.0 * rank}, (1.0 + rank) / 6.0, communicator);
       }))
    REQUIRE(outcome.error == "");
  for (const std::vector<double>& result : results) {
    CHECK(result[0] == doctest::Approx((1.0 + 4.0 + 9.0) / 6.0).epsilon(1e-15));
    CHECK(result[1] == doctest::Approx((20.0 + 60.0) / 6.0).epsilon(1e-15));
    CHECK(result == results.front());
  }
}

TEST_CASE("a micro-batch adds up to the gradient of its parts, images held out are never trained on") {
  const TemporaryDirectory directory;
  TrainConfig config = small_search(directory / "run");
  config.recipe.micro_batch = 4;
  const TrainResult result = train(config);
  CHECK(result.steps == 8);
  CHECK(result.step_memory_bytes > 0);
  config.run.out = directory / "whole";
  config.recipe.micro_batch = 0;
  CHECK(train(config).step_memory_bytes > result.step_memory_bytes);
  CHECK(alphas_of(directory / "run") != alphas_of(directory / "whole"));

  const TrainingData data = load_training_data(config);
  std::set<std::uint32_t> all(data.indices.begin(), data.indices.end());
  all.insert(data.held_out.begin(), data.held_out.end());
  CHECK(data.indices.size() == 30);
  CHECK(data.held_out.size() == 30);
  CHECK(all.size() == 60);
}

TEST_CASE("of every node the two edges with the largest weights are kept, none left out") {
  using namespace darts;
  const MixtureSpec spec = mixture_spec(4);
  REQUIRE(spec.groups.size() == 2 * (14 + 4));
  std::vector<float> logits(std::size_t(spec.logits.buffer_count()), 0.0f);
  const auto at = [&](const char* tensor, int i) -> float& {
    return logits[std::size_t(spec.logits[spec.logits.find(tensor)].offset + i)];
  };
  const auto alpha = [&](int edge, Op op) -> float& {
    return at("alphas_normal", edge * kOpCount + int(op));
  };
  for (int edge = 0; edge < kEdgeCount; ++edge)
    alpha(edge, Op::none) = 9.0f;     // wins everywhere, and counts not
  alpha(4, Op::dil_conv_5x5) = 9.0f;  // node 3 <- 2
  alpha(3, Op::skip_connect) = 8.5f;  // node 3 <- 1
  alpha(9, Op::sep_conv_3x3) = 9.0f;  // node 5 <- 0, but its edge weighs little
  at("betas_normal", 9) = -9.0f;
  const std::vector<float> weights = mixture_weights(spec, logits);
  for (const MixtureSpec::Softmax& group : spec.groups) {
    double sum = 0.0;
    for (int i = 0; i < group.count; ++i) sum += double(weights[std::size_t(group.first + i)]);
    CHECK(sum == doctest::Approx(1.0).epsilon(1e-6));
  }
  const std::string first = "('max_pool_3x3', 0), ('max_pool_3x3', 1)";
  CHECK(genotype(largest_weights(4, weights))
            .starts_with("Genotype(normal=[" + first + ", ('skip_connect', 1), ('dil_conv_5x5', 2), " +
                         first + ", ('max_pool_3x3', 1), ('max_pool_3x3', 2)], "));
  // Without edge weights the same operation counts.
  const Architecture plain = largest_weights(1, weights);
  CHECK(plain.normal.ops[9] == Op::sep_conv_3x3);
}

TEST_CASE("PC-DARTS plans about a quarter of the memory of DARTS") {
  TrainConfig config = default_mixture_config("darts-cifar", TrainMethod::pc_darts);
  config.data.spec = "synthetic:64";
  config.recipe.batch_size = 16;
  config.device.name = "cpu";
  const std::uint64_t partial = plan_training(config).step_memory_bytes;
  config.mixture.method = TrainMethod::darts;
  const std::uint64_t whole = plan_training(config).step_memory_bytes;
  MESSAGE("DARTS / PC-DARTS, bytes: " << double(whole) / double(partial));
  CHECK(whole > 2.5 * double(partial));
}

TEST_CASE("what a differentiable search cannot do is refused in one line that names the flag") {
  const TemporaryDirectory directory;
  const auto refused = [&](const std::function<void(TrainConfig&)>& change) {
    TrainConfig config = small_search(directory / "run");
    change(config);
    return error_of(ErrorCode::usage, [&] { train(config); });
  };
  CHECK(contains(refused([](TrainConfig& c) { c.network.space = "nasbench201"; }), "--method"));
  CHECK(contains(refused([](TrainConfig& c) { c.network.space = "darts-imagenet", c.data.image_size = 64; }),
                 "--space darts-cifar"));
  CHECK(contains(refused([](TrainConfig& c) { c.network.channels = 6; }), "--channels"));
  CHECK(contains(refused([](TrainConfig& c) { c.network.arch = "x"; }), "--arch"));
  CHECK(contains(refused([](TrainConfig& c) { c.mixture.begin = -1; }), "--begin"));
  CHECK(contains(refused([](TrainConfig& c) { c.recipe.compat = Compat::megvii; }), "--compat"));
  CHECK(contains(error_of(ErrorCode::usage, [] { default_mixture_config("mobilenet", TrainMethod::darts); }),
                 "mobilenet"));
}

}  // namespace rlnas
