// rlnas/network.hpp as others see it.
#include <doctest/doctest.h>

#include <cmath>
#include <rlnas/network.hpp>
#include <thread>

#include "tests/support/errors.h"

namespace {

namespace nn = rlnas::network;
using rlnas::ErrorCode;
using rlnas::kernels::Device;
using rlnas::test::error_of;

constexpr int kSide = 8, kClasses = 3;

// Noise without a library: a linear congruence, in -1 .. 1.
std::vector<float> noise(std::size_t count, std::uint32_t state) {
  std::vector<float> values(count);
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = float(double(state >> 8) / double(1 << 23) - 1.0);
  }
  return values;
}

// One with every layer that there is.
nn::Graph everything() {
  nn::Graph graph({4, kSide, kSide});
  nn::Node stem = graph.conv(graph.input(), "stem", {.out_channels = 8, .kernel = 3, .padding = 1});
  stem = graph.relu(graph.batch_norm(stem, "stem.norm"));
  nn::Node a = graph.conv(graph.channel_shuffle(stem, 2), "a",
                          {.out_channels = 8, .kernel = 3, .padding = 1, .groups = 8});
  a = graph.relu6(graph.batch_norm(a, "a.norm"));
  const nn::Node b = graph.conv(graph.slice(stem, 2, 4), "b", {.out_channels = 8, .kernel = 1});
  nn::Node x = graph.relu(graph.sum({a, b, graph.avg_pool(stem), stem}));
  x = graph.concat({graph.max_pool(x, {.kernel = 2, .stride = 2, .padding = 0}),
                    graph.avg_pool(x, {.kernel = 3, .stride = 2, .padding = 1})});
  x = graph.drop_path(x, "paths");
  x = graph.relu(graph.linear(graph.global_avg_pool(x), "hidden", 10));
  graph.output(graph.linear(graph.dropout(x, "values"), "classifier", kClasses));
  return graph;
}

double mean_loss(const std::vector<float>& logits, const std::vector<std::int32_t>& labels) {
  double sum = 0.0;
  for (std::size_t n = 0; n < labels.size(); ++n) {
    double total = 0.0;
    for (int k = 0; k < kClasses; ++k) total += std::exp(double(logits[n * kClasses + std::size_t(k)]));
    sum += std::log(total) - double(logits[n * kClasses + std::size_t(labels[n])]);
  }
  return sum / double(labels.size());
}

// Images whose class is the quadrant that is bright.
struct Set {
  std::vector<float> images;
  std::vector<std::int32_t> labels;
  nn::Data data() const { return {images, labels}; }
};
Set quadrants(int count, std::uint32_t seed) {
  Set set{noise(std::size_t(count) * kSide * kSide * 4, seed), {}};
  for (int n = 0; n < count; ++n) {
    const int label = n % kClasses;
    set.labels.push_back(label);
    for (int i = 0; i < kSide / 2; ++i)
      for (int j = 0; j < kSide / 2; ++j) {
        const int h = i + (label / 2) * kSide / 2, w = j + (label % 2) * kSide / 2;
        for (int c = 0; c < 4; ++c) set.images[std::size_t(((n * kSide + h) * kSide + w) * 4 + c)] += 1.5f;
      }
  }
  return set;
}

nn::Graph small() {
  nn::Graph graph({4, kSide, kSide});
  nn::Node x =
      graph.conv(graph.input(), "stem", {.out_channels = 12, .kernel = 3, .stride = 2, .padding = 1});
  x = graph.relu(graph.batch_norm(x, "norm"));
  x = graph.conv(x, "reduce", {.out_channels = 16, .kernel = 4});
  graph.output(graph.linear(graph.relu(x), "classifier", kClasses));
  return graph;
}

std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const rlnas::Error& error) {
    CHECK(error.code() == rlnas::ErrorCode::usage);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("gradients are those of the loss, through every layer") {
  const Set set = quadrants(6, 11);
  nn::Network net(Device({.name = "cpu"}), everything(), {.seed = 5});
  const auto loss_at = [&] {
    return mean_loss(net.forward(set.images, {.statistics = nn::Statistics::batch}).logits, set.labels);
  };
  const double before = loss_at();
  const nn::Loss loss = net.gradients(set.data());
  CHECK(loss.mean() == doctest::Approx(before).epsilon(1e-5));
  std::uint32_t seed = 1;
  for (const nn::Tensor& tensor : net.tensors()) {
    if (!tensor.trained) continue;
    CAPTURE(tensor.name);
    const std::vector<float> weights = net.get(tensor.name), gradient = net.gradient(tensor.name),
                             direction = noise(weights.size(), seed++);
    const double step = 2e-3;
    double expected = 0.0, size = 0.0, ends[2];
    for (std::size_t i = 0; i < weights.size(); ++i) {
      expected += double(gradient[i]) * double(direction[i]);
      size += double(gradient[i]) * double(gradient[i]);
    }
    for (const int end : {0, 1}) {
      std::vector<float> moved = weights;
      for (std::size_t i = 0; i < moved.size(); ++i)
        moved[i] += float((end == 0 ? -step : step) * double(direction[i]));
      net.set(tensor.name, moved);
      ends[end] = loss_at();
    }
    net.set(tensor.name, weights);
    CHECK((ends[1] - ends[0]) / (2 * step) == doctest::Approx(expected).epsilon(0.02).scale(std::sqrt(size)));
  }
}

TEST_CASE("running statistics follow in training, and in no other pass") {
  const Set set = quadrants(9, 5);
  nn::Network net(Device({.name = "cpu"}), small());
  const auto running = [&] { return net.get("norm.running_mean"); };
  const std::vector<float> initial = running();
  net.forward(set.images, {.statistics = nn::Statistics::batch});
  net.evaluate(set.data());
  CHECK(running() == initial);
  net.gradients(set.data());
  const std::vector<float> once = running();
  CHECK(once != initial);
  net.forward(set.images, {.statistics = nn::Statistics::follow});
  for (std::size_t c = 0; c < once.size(); ++c)  // a tenth of the way, and a tenth of what is left
    CHECK(running()[c] == doctest::Approx(1.9f * once[c]).epsilon(1e-5));
}

TEST_CASE("a step is SGD by what the gradients say") {
  const Set set = quadrants(4, 3);
  nn::Network net(Device({.name = "cpu"}), small());
  net.gradients(set.data());
  const std::vector<float> weights = net.get("reduce.weight"), gradient = net.gradient("reduce.weight");
  net.step({.learning_rate = 0.25f, .momentum = 0.0f, .weight_decay = 0.5f});
  const std::vector<float> after = net.get("reduce.weight");
  for (std::size_t i = 0; i < after.size(); ++i)
    CHECK(after[i] == doctest::Approx(weights[i] - 0.25f * (gradient[i] + 0.5f * weights[i])).epsilon(1e-5));
}

TEST_CASE("taps: values, and the gradients that arrive there") {
  const Set set = quadrants(5, 4);
  nn::Graph graph({4, kSide, kSide});
  const nn::Node conv = graph.conv(graph.input(), "conv", {.out_channels = 6, .kernel = 3, .padding = 1});
  const nn::Node pooled = graph.global_avg_pool(graph.relu(conv));
  graph.output(graph.linear(pooled, "classifier", kClasses));
  nn::Network net(Device({.name = "cpu"}), graph);
  const nn::Values values = net.forward(set.images, {.gradients = true, .taps = {conv, pooled}});
  REQUIRE(values.taps.size() == 2);
  REQUIRE(values.taps[0].size() == 5u * kSide * kSide * 6);
  double mean = 0.0;
  for (int p = 0; p < kSide * kSide; ++p)
    mean += std::max(0.0, double(values.taps[0][std::size_t(p * 6 + 2)]));
  CHECK(values.taps[1][2] == doctest::Approx(mean / (kSide * kSide)).epsilon(1e-5));

  std::vector<float> seed(5 * kClasses, 0.0f);
  seed[1] = 2.0f;
  const std::vector<std::vector<float>> arrived = net.backward(seed);
  const std::vector<float> matrix = net.get("classifier.weight");
  for (std::size_t f = 0; f < 6; ++f) CHECK(arrived[1][f] == doctest::Approx(2.0f * matrix[6 + f]));
  for (std::size_t f = 6; f < arrived[1].size(); ++f) CHECK(arrived[1][f] == 0.0f);
  CHECK(error_of([&] { net.backward(seed); }).find("no pass") != std::string::npos);
}

TEST_CASE("a network learns what lies in the caller's memory, and can be told to stop") {
  const Set training = quadrants(240, 21), test = quadrants(90, 22);
  nn::Network net(Device({.name = "cpu"}), small(), {.seed = 2, .batch = 16});
  const double before = net.evaluate(test.data()).accuracy();
  std::int64_t steps = 0;
  const nn::FitOptions options{.epochs = 4, .batch = 16, .learning_rate = 0.05};
  const nn::Loss last = net.fit(training.data(), options, {.progress = [&](const nn::Progress& now) {
                                  CHECK(now.step == ++steps);
                                  CHECK(now.steps == 60);
                                  CHECK(now.epoch == int((now.step - 1) / 15));
                                }});
  CHECK(steps == 60);
  CHECK(last.images == 240);
  CHECK(before < 0.7);
  CHECK(net.evaluate(test.data(), 32).accuracy() > 0.95);

  nn::Network stopped(Device({.name = "cpu"}), small(), {.seed = 2, .batch = 16});
  int asked = 0;
  const nn::Loss some = stopped.fit(training.data(), options, {.should_stop = [&] { return ++asked > 3; }});
  CHECK(some.images == 3 * 16);
  asked = 0;
  CHECK(stopped.evaluate(test.data(), 10, {.should_stop = [&] { return ++asked > 2; }}).images == 20);
}

TEST_CASE("weights in and out, and how far they turned") {
  const Set set = quadrants(12, 8);
  const Device device({.name = "cpu"});
  nn::Network net(device, small(), {.seed = 1}), other(device, small(), {.seed = 7});
  for (const rlnas::AngleSums& sums : net.angle_sums())
    if (sums.norm0_sq > 0.0) CHECK(rlnas::kernels::angle_rad(sums) < 1e-6);  // shifts begin as zeros
  net.fit(set.data(), {.epochs = 2, .batch = 4});
  CHECK(net.forward(set.images).logits != other.forward(set.images).logits);
  const std::vector<float> initial = nn::Network(device, small(), {.seed = 1}).get("reduce.weight");
  const std::vector<float> trained = net.get("reduce.weight");
  std::size_t place = 0;
  for (const nn::Tensor& tensor : net.tensors()) {
    other.set(tensor.name, net.get(tensor.name));
    if (tensor.name == "reduce.weight") {
      const rlnas::AngleSums sums = net.angle_sums()[place];
      double dot = 0.0;
      for (std::size_t i = 0; i < trained.size(); ++i) dot += double(initial[i]) * double(trained[i]);
      CHECK(sums.dot == doctest::Approx(dot).epsilon(1e-10));
      CHECK(rlnas::kernels::angle_rad(sums) > 1e-3);
    }
    ++place;
  }
  CHECK(net.forward(set.images).logits == other.forward(set.images).logits);
  CHECK(net.tensors()[0].shape == std::vector<std::int64_t>{12, 4, 3, 3});
  net.mark_initial();
  CHECK(rlnas::kernels::angle_rad(net.angle_sums()[0]) < 1e-6);
}

TEST_CASE("networks on several threads get the bits that one by itself gets") {
  const Set set = quadrants(40, 31);
  const auto trained = [&](int threads) {
    nn::Network net(Device({.name = "cpu", .threads = threads}), everything(),
                    {.seed = 9, .dropout = 0.2, .drop_path = 0.1});
    net.fit(set.data(), {.epochs = 2, .batch = 8});
    return net.get("hidden.weight");
  };
  const std::vector<float> expected = trained(1);
  std::vector<std::vector<float>> results(3);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < results.size(); ++t)
      threads.emplace_back([&, t] { results[t] = trained(int(t) + 1); });
  }
  for (const std::vector<float>& result : results) CHECK(result == expected);
}

TEST_CASE("a step on paper") {
  const Device device({.name = "cpu"});
  const nn::Graph graph = small();
  CHECK(graph.parameters() == 12 * 4 * 9 + 24 + 16 * 12 * 16 + 3 * 16 + 3);
  CHECK(graph.macs() == 16 * 12 * 4 * 9 + 16 * 12 * 16 + 3 * 16);
  const auto stop = [] { return true; };
  CHECK(error_of(ErrorCode::interrupted, [&] { nn::plan_step(device, graph, 1, stop); }) == "interrupted");
  CHECK(error_of(ErrorCode::interrupted, [&] { nn::Network(device, graph, {}, stop); }) == "interrupted");
  const nn::Plan one = nn::plan_step(device, graph, 1), hundred = nn::plan_step(device, graph, 100),
                 more = nn::plan_step(device, graph, 200);
  // A further image is in memory, and so is what the first convolution makes of it.
  CHECK(more.step_memory_bytes - hundred.step_memory_bytes >= 100 * sizeof(float) * (4 * 64 + 12 * 16));
  CHECK(more.fixed_memory_bytes == one.fixed_memory_bytes);
  std::uint64_t forward = 0;
  for (const rlnas::RecordedCall& call : one.calls)
    if (call.primitive == "linear_forward") forward += call.flops;
  CHECK(forward == 2 * 3 * 16);
}

TEST_CASE("what does not fit is told in one line") {
  nn::Graph graph({4, kSide, kSide});
  const nn::Node conv = graph.conv(graph.input(), "conv", {.out_channels = 6});
  CHECK(error_of([&] { graph.conv(conv, "conv", {}); }) == "two layers are called conv");
  CHECK(error_of([&] { graph.conv(conv, "big", {.kernel = 9}); }).find("does not fit") != std::string::npos);
  CHECK(error_of([&] { graph.conv(conv, "odd", {.out_channels = 4, .groups = 4}); }).find("groups") !=
        std::string::npos);
  CHECK(error_of([&] { graph.linear(conv, "head", 2); }).find("pool first") != std::string::npos);
  CHECK(error_of([&] { graph.sum({conv, graph.input()}); }).find("different shapes") != std::string::npos);
  CHECK(error_of([&] { graph.relu(nn::Node{99}); }).find("none of this graph") != std::string::npos);
  CHECK(error_of([&] { graph.slice(conv, 4, 3); }).find("of 6") != std::string::npos);
  CHECK(error_of([&] { graph.output(conv); }).find("1x1") != std::string::npos);
  CHECK(error_of([&] { nn::Network(Device({.name = "cpu"}), graph); }).find("no output") !=
        std::string::npos);
  CHECK(error_of([] { nn::Graph({0, 1, 1}); }).find("images of") != std::string::npos);

  nn::Network net(Device({.name = "cpu"}), small());
  Set set = quadrants(3, 1);
  set.labels[1] = kClasses;
  CHECK(error_of([&] { net.gradients(set.data()); }).find("label 3") != std::string::npos);
  set.labels.pop_back();
  CHECK(error_of([&] { net.fit(set.data(), {}); }).find("3 images with 2 labels") != std::string::npos);
  set.images.pop_back();
  CHECK(error_of([&] { net.forward(set.images); }).find("not images of") != std::string::npos);
  CHECK(error_of([&] { net.get("nobody"); }).find("nobody") != std::string::npos);
  CHECK(error_of([&] { net.set("norm.bias", set.images); }).find("12 values") != std::string::npos);
}
