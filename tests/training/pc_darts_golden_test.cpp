// Five steps of small differentiable searches, PC-DARTS and plain DARTS, against PyTorch
// (tests/golden/pc_darts_golden.py): two of the weights alone, three that move alphas and betas first.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "search/darts/space.h"
#include "search/mixture_mover.h"
#include "tests/training/golden.h"

namespace rlnas::darts {
namespace {

using golden::hashed;
using golden::Json;

const Json& script_values() {
  static const Json json = golden::read("pc_darts_golden.json");
  return json;
}

HostBatch batch_of(const Json& values, int salt) {
  const int size = values["size"];
  HostBatch batch;
  batch.count = batch.global_count = values["batch"];
  batch.params.resize(std::size_t(batch.count));
  for (int i = 0; i < batch.count * size * size * 3; ++i)
    batch.images.push_back(std::uint8_t(golden::mixed(std::uint64_t(i), std::uint64_t(salt)) * 256.0));
  for (int i = 0; i < batch.count; ++i) batch.labels.push_back((i * 7 + salt) % values["classes"].get<int>());
  return batch;
}

// Large enough for the softmax to show.
std::vector<float> hashed_logits(const SegmentTable& table) {
  std::vector<float> logits(std::size_t(table.buffer_count()), 0.0f);
  for (const Segment& s : table)
    for (std::int64_t i = 0; i < s.count; ++i)
      logits[std::size_t(s.offset + i)] =
          float(0.5 * (2.0 * golden::mixed(std::uint64_t(i), crc32_of(s.name)) - 1.0));
  return logits;
}

std::vector<float> mixed_weights(const SegmentTable& table) {
  std::vector<float> weights(std::size_t(table.buffer_count()), 0.0f);
  for (const Segment& s : table)
    for (std::int64_t i = 0; i < s.count; ++i) {
      const double u = 2.0 * golden::mixed(std::uint64_t(i), crc32_of(s.name)) - 1.0;
      const double fan_in = double(s.count / s.shape[0]);
      weights[std::size_t(s.offset + i)] = float(
          s.shape.size() == 1 ? (s.name.ends_with("weight") ? 1.0 : 0.0) + 0.1 * u : u / std::sqrt(fan_in));
    }
  return weights;
}

// Every number of named tensors, each to `tolerance` of their root mean square.
void check_numbers(const SegmentTable& table, const std::vector<float>& values, const Json& expected,
                   double tolerance) {
  REQUIRE(std::size_t(table.size()) == expected.size());
  for (const Segment& segment : table) {
    const std::vector<double> want = expected[segment.name];
    REQUIRE(std::int64_t(want.size()) == segment.count);
    double square = 0.0;
    for (const double value : want) square += value * value / double(want.size());
    for (std::size_t i = 0; i < want.size(); ++i) {
      INFO(segment.name, " ", i);
      CHECK(std::abs(double(values[std::size_t(segment.offset) + i]) - want[i]) <=
            tolerance * std::sqrt(square));
    }
  }
}

void check_search(Backend& backend, const Json& run) {
  const Json& values = script_values();
  const int share = run["share"], batch = values["batch"];
  CAPTURE(share);
  TrainedNetwork network(cifar_space(),
                         {.classes = values["classes"],
                          .image_size = values["size"],
                          .channels = values["channels"],
                          .cells = values["cells"],
                          .channel_share = share},
                         Initializer::pytorch);
  const SegmentTable& table = network.layout().parameters();
  const MixtureSpec& spec = *network.mixture();
  const std::size_t count = std::size_t(spec.logits.buffer_count());
  Executor executor(backend, network.layout(), std::size_t{64} << 20);
  executor.parameters().weights().upload(mixed_weights(table));
  executor.statistics().upload(network.layout().initial_statistics());
  const AdamSpec adam{.learning_rate = values["arch_lr"], .beta1 = 0.5, .weight_decay = values["arch_decay"]};
  MixtureMover mover(network, backend, executor, adam);
  mover.set_state({.logits = hashed_logits(spec.logits), .adam = AdamState(count)});
  const HostBatch train = batch_of(values, run["salts"][0]), held_out = batch_of(values, run["salts"][1]);
  const int size = values["size"];
  StepSpec step;
  step.augment = {0, size, size, {120.0f, 120.0f, 120.0f}, {1 / 60.0f, 1 / 60.0f, 1 / 60.0f}};
  step.sgd = {.learning_rate = values["lr"], .weight_decay = values["weight_decay"]};
  step.max_gradient_norm = values["clip"];
  const auto forward = [&](Context& context, const Tensor& images) {
    return network.forward(context, images, 0);
  };
  const auto check_loss = [&](const LossSums& sums, double expected) {
    CHECK(std::abs(sums.loss / batch - expected) < 1e-5 * expected);
  };
  const int begin = values["begin"];
  for (int i = 0; i < int(values["steps"]); ++i) {
    INFO("step ", i);
    if (i >= begin) {
      std::vector<double> gradients;
      check_loss(executor.mixture_pass(forward, held_out, step, gradients),
                 run["held_out_losses"][std::size_t(i - begin)]);
      if (i == begin) {
        const std::vector<double> of_logits = logit_gradients(spec, mover.weights(), gradients);
        check_numbers(spec.logits, {of_logits.begin(), of_logits.end()}, run["gradients"], 1e-4);
      }
      mover.move(gradients);
    }
    check_loss(executor.step(forward, train, step), run["losses"][std::size_t(i)]);
  }
  check_numbers(spec.logits, mover.state().logits, run["logits"], 1e-4);
  const std::vector<float> weights = executor.parameters().weights().download();
  CHECK(run["final"].size() == std::size_t(table.size()));
  for (const Segment& s : table)
    golden::check_close(s.name, weights.data() + s.offset, s.count, run["final"].at(s.name), 1e-4);
}

}  // namespace

TEST_CASE("five steps of differentiable searches equal PyTorch's: cpu") {
  const auto backend = make_cpu_backend({.threads = 2});
  for (const Json& run : script_values()["runs"]) check_search(*backend, run);
}
TEST_CASE("five steps of differentiable searches equal PyTorch's: ref") {
  const auto backend = make_ref_backend();
  for (const Json& run : script_values()["runs"]) check_search(*backend, run);
}

}  // namespace rlnas::darts
