// What runs over a network's weights beside whole training runs: batches in parts, batch norm by other
// statistics, and gradients between taps.
#include "search/executor.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "engine/philox.h"
#include "search/nasbench201/space.h"
#include "tests/support/network_graph.h"
#include "tests/support/network_paths.h"

namespace rlnas {
namespace {

constexpr int kSide = 8, kClasses = 5;
constexpr std::size_t kArenaBytes = std::size_t{1} << 28;

HostBatch batch_of(int count, std::uint64_t seed) {
  RandomStream random(seed, "executor-test");
  HostBatch batch;
  batch.count = batch.global_count = count;
  batch.params.resize(std::size_t(count));
  for (int i = 0; i < count * kSide * kSide * 3; ++i) batch.images.push_back(std::uint8_t(random.below(256)));
  for (int i = 0; i < count; ++i) batch.labels.push_back(std::int32_t(random.below(kClasses)));
  return batch;
}

AugmentSpec augment() {
  AugmentSpec spec;
  spec.height = spec.width = kSide;
  spec.mean = {120.0f, 120.0f, 120.0f};
  spec.inv_std = {0.016f, 0.016f, 0.016f};
  return spec;
}

StepSpec step_of(int micro_batch) {
  StepSpec spec;
  spec.augment = augment();
  spec.sgd.learning_rate = 0.1f;
  spec.micro_batch = micro_batch;
  return spec;
}

// Two convolutions, of which the first may be normalised, and a classifier.
Graph small_network(bool normalised) {
  Graph graph;
  int x = graph.input({3, kSide, kSide});
  x = graph.conv(x, "a", {.out_channels = 4, .kernel = 3, .padding = 1});
  if (normalised) x = graph.sum({graph.batch_norm(x, "norm")});
  graph.add_feature("a", x);
  x = graph.conv(graph.relu(x), "b", {.out_channels = 6, .kernel = 3, .stride = 2, .padding = 1});
  graph.add_feature("b", x);
  x = graph.global_avg_pool(graph.relu(x));
  graph.add_output(graph.linear(x, "classifier", kClasses));
  return graph;
}

struct Setting {
  explicit Setting(bool normalised, std::vector<int> taps = {})
      : network(small_network(normalised), {.taps = std::move(taps)}),
        executor(*backend, network.layout.tensors(), kArenaBytes) {
    executor.parameters().weights().upload(network.layout.tensors().initial_parameters(3));
    executor.statistics().upload(network.layout.tensors().initial_statistics());
  }
  LossSums step(const HostBatch& batch, const StepSpec& spec) {
    return executor.step([&](Context& c, const Tensor& images) { return network(c, images); }, batch, spec);
  }
  std::vector<float> weights() { return executor.parameters().weights().download(); }

  std::unique_ptr<Backend> backend = make_ref_backend();
  test::GraphNetwork network;
  Executor executor;
};

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0.0, size = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
    size += double(b[i]) * b[i];
  }
  return std::sqrt(difference / size);
}

}  // namespace

TEST_CASE(
    "the gradients of a batch's parts add up to its own where nothing is normalised, also of unequal parts") {
  const HostBatch batch = batch_of(10, 1);
  Setting whole(false);
  const std::vector<float> before = whole.weights();
  const LossSums loss = whole.step(batch, step_of(0));
  CHECK(distance(before, whole.weights()) > 1e-3);
  for (const int part : {3, 5, 1}) {
    CAPTURE(part);
    Setting parts(false);
    const LossSums sum = parts.step(batch, step_of(part));
    CHECK(distance(parts.weights(), whole.weights()) < 1e-6);
    CHECK(sum.loss == doctest::Approx(loss.loss).epsilon(1e-6));
    CHECK(sum.correct == loss.correct);
  }
}

TEST_CASE("a micro-batch as large as the batch changes no bit, a smaller one is normalised by itself") {
  const HostBatch batch = batch_of(8, 2);
  Setting whole(true), same(true), parts(true);
  whole.step(batch, step_of(0));
  same.step(batch, step_of(8));
  parts.step(batch, step_of(4));
  CHECK(same.weights() == whole.weights());
  CHECK(same.executor.statistics().download() == whole.executor.statistics().download());
  CHECK(distance(parts.weights(), whole.weights()) > 1e-6);
}

TEST_CASE("a pass by the batch's statistics leaves the running ones alone, unless they follow") {
  const HostBatch batch = batch_of(6, 3);
  Setting s(true);
  const std::vector<float> initial = s.executor.statistics().download();
  const Tensor images = s.executor.upload_images(batch, augment());
  const auto logits = [&](Statistics statistics, bool gradients) {
    return s.executor.host(
        s.executor.forward(s.network.program, images, {.statistics = statistics, .gradients = gradients})
            .logits);
  };
  const std::vector<float> by_running = logits(Statistics::running, false);
  const std::vector<float> by_batch = logits(Statistics::batch, false);
  CHECK(by_batch != by_running);
  CHECK(logits(Statistics::batch, true) == by_batch);
  CHECK(s.executor.statistics().download() == initial);
  CHECK(logits(Statistics::follow, false) == by_batch);
  CHECK(s.executor.statistics().download() != initial);
  const std::vector<float> followed = s.executor.statistics().download();
  CHECK(logits(Statistics::running, true) == logits(Statistics::running, false));
  CHECK(s.executor.statistics().download() == followed);
}

TEST_CASE("gradients through running statistics are those of a network whose norms are constants") {
  Setting s(true);
  std::vector<float> statistics = s.executor.statistics().download();
  RandomStream random(4, "statistics");
  for (float& value : statistics) value += 0.5f * float(random.uniform());
  s.executor.statistics().upload(statistics);
  const Tensor images = s.executor.upload_images(batch_of(6, 3), augment());
  const PassOptions pass{.statistics = Statistics::running, .gradients = true};
  std::vector<float> seeds(6 * kClasses);
  for (float& seed : seeds) seed = float(random.uniform()) - 0.3f;
  const auto loss = [&](const std::vector<float>& weights) {
    s.executor.parameters().weights().upload(weights);
    const std::vector<float> logits =
        s.executor.host(s.executor.forward(s.network.program, images, pass).logits);
    return std::inner_product(logits.begin(), logits.end(), seeds.begin(), 0.0);
  };
  const std::vector<float> weights = s.weights();
  const Program::Result result = s.executor.forward(s.network.program, images, pass);
  const auto backward = [&](Tape::After after) {
    s.executor.backward(result, s.executor.tensor(seeds, result.logits.shape, Layout::matrix), after);
    return s.executor.parameters().gradient().download();
  };
  const std::vector<float> gradient = backward(Tape::After::keep);
  // Kept, it can be done again, and adds up.
  const std::vector<float> twice = backward(Tape::After::drop);
  double size = 0.0;
  for (const float g : gradient) size = std::max(size, std::abs(double(g)));
  for (const Segment& segment : s.network.layout.tensors().parameters())
    for (std::int64_t i = segment.offset; i < segment.offset + segment.count; i += 7) {
      CAPTURE(segment.name);
      const std::size_t at = std::size_t(i);
      CHECK(twice[at] == doctest::Approx(2.0 * double(gradient[at])).epsilon(1e-5));
      constexpr float kStep = 1e-3f;
      std::vector<float> more = weights, less = weights;
      more[at] += kStep;
      less[at] -= kStep;
      const double slope = (loss(more) - loss(less)) / (double(more[at]) - double(less[at]));
      CHECK(std::abs(slope - gradient[at]) < 3e-3 * size);
    }
}

TEST_CASE("recalibrated statistics are the plain averages over the batches") {
  const std::vector<HostBatch> batches{batch_of(6, 4), batch_of(6, 5), batch_of(6, 6)};
  Setting all(true);
  std::vector<double> mean(std::size_t(all.executor.statistics().table().buffer_count()), 0.0);
  for (const HostBatch& batch : batches) {
    Setting one(true);
    one.executor.recalibrate(one.network.program, std::span(&batch, 1), augment());
    const std::vector<float> values = one.executor.statistics().download();
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += double(values[i]) / double(batches.size());
  }
  all.executor.recalibrate(all.network.program, batches, augment());
  const std::vector<float> got = all.executor.statistics().download();
  for (std::size_t i = 0; i < mean.size(); ++i) CHECK(got[i] == doctest::Approx(mean[i]).epsilon(1e-5));
}

TEST_CASE("what arrives at a tap is the seed of the next one times the Jacobian in between") {
  const Graph graph = small_network(false);
  const int a = graph.features()[0].node, b = graph.features()[1].node;
  Setting s(false, {a, b});
  const HostBatch batch = batch_of(2, 7);
  const Tensor images = s.executor.upload_images(batch, augment());
  const PassOptions options{.statistics = Statistics::batch, .gradients = true};
  Program::Result result = s.executor.forward(s.network.program, images, options);
  const Shape shape_a = result.taps[0].shape, shape_b = result.taps[1].shape;
  RandomStream random(8, "seed");
  std::vector<float> v(shape_b.count());
  for (float& one : v) one = 2.0f * random.uniform() - 1.0f;
  result.tap_gradients->seeds[1] = s.executor.tensor(v, shape_b);
  s.executor.backward(result);
  const std::vector<float> vector_jacobian = s.executor.host(result.tap_gradients->arrived[0]);
  REQUIRE(vector_jacobian.size() == shape_a.count());
  CHECK(!result.tap_gradients->arrived[1]);  // nothing came from the logits
  s.executor.forget_gradients();

  // Along a random direction u, by differences: v . (b(a + e u) - b(a - e u)) / 2e, through b's own
  // convolution.
  Graph tail;
  const int x = tail.input({4, kSide, kSide});
  tail.add_output(tail.conv(tail.relu(x), "b", {.out_channels = 6, .kernel = 3, .stride = 2, .padding = 1}));
  const Program from_a(tail, s.network.layout, {});
  const std::vector<float> value = s.executor.host(result.taps[0]);
  std::vector<float> u(value.size());
  for (float& one : u) one = 2.0f * random.uniform() - 1.0f;
  double expected = 0.0, got = 0.0;
  constexpr float kStep = 1e-3f;
  for (const float sign : {1.0f, -1.0f}) {
    std::vector<float> moved = value;
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += sign * kStep * u[i];
    const std::vector<float> out = s.executor.host(
        s.executor.forward(from_a, s.executor.tensor(moved, shape_a), {.statistics = Statistics::batch})
            .logits);
    for (std::size_t i = 0; i < out.size(); ++i) expected += sign * double(v[i]) * out[i] / (2.0 * kStep);
  }
  for (std::size_t i = 0; i < u.size(); ++i) got += double(u[i]) * vector_jacobian[i];
  CHECK(got == doctest::Approx(expected).epsilon(5e-3));
}

TEST_CASE("a SuperNet runs along any architecture, by its features' names") {
  const std::unique_ptr<Backend> backend = make_cpu_backend({});
  const Space& space = nasbench201::space();
  const NetworkOptions options{.classes = kClasses, .image_size = kSide, .channels = 4, .cells = 1};
  const TrainedNetwork network = test::supernet_of(space, options);
  Executor executor(*backend, network.layout(), kArenaBytes);
  executor.parameters().weights().upload(network.layout().initial_parameters(1));
  executor.statistics().upload(network.layout().initial_statistics());
  const HostBatch batch = batch_of(4, 9);
  const Tensor images = executor.upload_images(batch, augment());
  for (const char* text : {"#1462", "#0", "enum:0"}) {
    CAPTURE(text);
    const Genes genes = space.parse(text);
    const Graph graph = network.graph({&genes, 1});
    std::vector<int> taps;
    for (const Graph::Feature& feature : graph.features()) taps.push_back(feature.node);
    CHECK(graph.features().size() == 7);  // stem, 3 cells, 2 blocks, features
    const Program::Result result = executor.forward(network.program({&genes, 1}, {.taps = taps}), images,
                                                    {.statistics = Statistics::batch});
    CHECK(result.logits.shape == Shape::matrix(4, kClasses));
    for (std::size_t i = 0; i < taps.size(); ++i) {
      const FeatureShape& shape = graph[taps[i]].shape;
      CHECK(result.taps[i].count() == std::size_t(4 * shape.height * shape.width * shape.channels));
    }
  }
}

}  // namespace rlnas
