// Weighted sums, slices and shuffles of a graph: values, and the gradients of the mixture against finite
// differences.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/philox.h"
#include "ops/channels.h"
#include "ops/classifier.h"
#include "ops/mixture.h"
#include "tests/support/network_graph.h"

namespace rlnas {
namespace {

constexpr int kBatch = 4, kSize = 4, kWeights = 5;

// Norms and plain values in weighted sums, one of them a shuffled concatenation of slices that a sum over the
// same weights reads again; smooth but for nothing.
Graph smooth_graph() {
  Graph graph;
  const int x = graph.input({8, kSize, kSize});
  const int left = graph.slice(x, 0, 4), right = graph.slice(x, 4, 4);
  const auto normed = [&](int from, const char* name) {
    return graph.batch_norm(graph.conv(from, name, {.out_channels = 4, .kernel = 3, .padding = 1}),
                            std::string(name) + "_norm", Affine::no);
  };
  const int pooled = graph.batch_norm(graph.avg_pool(left, {}), "pool_norm", Affine::no);
  const int mixed = graph.weighted_sum({normed(left, "a"), left, pooled}, 0);
  const int again = graph.weighted_sum({normed(mixed, "b"), right}, 0);
  const int shuffled = graph.channel_shuffle(graph.concat({mixed, again}), 4);
  const int node = graph.weighted_sum({shuffled, x}, 3);
  graph.add_output(graph.linear(graph.global_avg_pool(node), "classifier", 3));
  return graph;
}

struct Fixture {
  explicit Fixture(Backend& b)
      : backend(b),
        network(smooth_graph()),
        parameters(b, network.layout.tensors().parameters()),
        statistics(b, network.layout.tensors().statistics()),
        arena(b, std::size_t{4} << 20),
        tape(b, arena),
        mixture(b, smooth_graph(), kWeights),
        context{.backend = b,
                .arena = arena,
                .tape = tape,
                .parameters = parameters,
                .statistics = statistics,
                .statistics_momentum = 0.0f,
                .mixture = &mixture,
                .mixture_gradients = true} {
    parameters.weights().upload(network.layout.tensors().initial_parameters(3));
    statistics.upload(network.layout.tensors().initial_statistics());
    images = random(Shape::image(kBatch, kSize, kSize, 8));
    seed = random(Shape::matrix(kBatch, 3));
  }
  Tensor random(Shape shape) {
    RandomStream stream(11, "mixture", shape.count());
    std::vector<float> values(shape.count());
    for (float& value : values) value = 2.0f * stream.uniform() - 1.0f;
    Tensor tensor = make_tensor(arena, shape);
    backend.upload(tensor.data(), values.data(), tensor.bytes());
    return tensor;
  }
  std::vector<float> host(const Tensor& tensor) {
    std::vector<float> values(tensor.count());
    backend.download(values.data(), tensor.data(), tensor.bytes());
    return values;
  }
  // Sum of seed * logits.
  double loss() {
    const std::vector<float> logits = host(network(context, images)), factors = host(seed);
    tape.clear();
    double total = 0.0;
    for (std::size_t i = 0; i < logits.size(); ++i) total += double(logits[i]) * double(factors[i]);
    return total;
  }

  Backend& backend;
  test::GraphNetwork network;
  Parameters parameters;
  FlatBuffer statistics;
  Arena arena;
  Tape tape;
  Mixture mixture;
  Context context;
  Tensor images, seed;
};

void check_gradients(Backend& backend, Mode mode) {
  CAPTURE(int(mode));
  Fixture f(backend);
  f.context.mode = mode;
  std::vector<float> weights = {0.3f, 0.5f, 0.2f, 0.6f, 0.4f};
  f.mixture.set(weights);
  const Tensor logits = f.network(f.context, f.images);
  f.tape.add_gradient(logits, f.seed);
  f.tape.backward();
  const std::vector<double> gradients = f.mixture.gradients();
  for (std::size_t w = 0; w < weights.size(); ++w) {
    constexpr float kStep = 1.0f / 64;
    const auto at = [&](float offset) {
      std::vector<float> moved = weights;
      moved[w] += offset;
      f.mixture.set(moved);
      return f.loss();
    };
    const double numeric =
        (8.0 * (at(kStep) - at(-kStep)) - (at(2 * kStep) - at(-2 * kStep))) / (12.0 * double(kStep));
    CAPTURE(w);
    CHECK(std::abs(numeric) > 1e-3);
    CHECK(std::abs(gradients[w] - numeric) <= 1e-3 * std::abs(numeric) + 2e-5);
  }
}

}  // namespace

TEST_CASE("gradients of the mixture equal finite differences, by batch and by running statistics") {
  for (const Mode mode : {Mode::train, Mode::frozen}) {
    check_gradients(*make_ref_backend(), mode);
    check_gradients(*make_cpu_backend({.threads = 2}), mode);
  }
}

TEST_CASE("weights of layers get the gradients that they get without those of the mixture") {
  const auto backend = make_cpu_backend({.threads = 2});
  const auto gradients_with = [&](bool mixture) {
    Fixture f(*backend);
    f.context.mixture_gradients = mixture;
    f.mixture.set({0.3f, 0.5f, 0.2f, 0.6f, 0.4f});
    f.tape.add_gradient(f.network(f.context, f.images), f.seed);
    f.tape.backward();
    return f.parameters.gradient().download();
  };
  CHECK(gradients_with(true) == gradients_with(false));
}

TEST_CASE("uses of a mixture are numbered in the order of the graph") {
  const std::vector<MixtureUse> uses = mixture_uses(smooth_graph());
  std::vector<int> weights, channels;
  for (const MixtureUse& use : uses) weights.push_back(use.weight), channels.push_back(use.channels);
  CHECK(weights == std::vector<int>{0, 1, 2, 0, 1, 3, 4});
  CHECK(channels == std::vector<int>{4, 4, 4, 4, 4, 8, 8});
}

TEST_CASE("a shuffle puts channel i of group g at i * groups + g, a slice takes what it says") {
  const auto backend = make_cpu_backend({.threads = 1});
  Fixture f(*backend);
  const std::vector<float> x = f.host(f.images), shuffled = f.host(shuffle_channels(f.context, f.images, 4)),
                           sliced = f.host(slice_channels(f.context, f.images, 3, 4));
  for (std::size_t pixel = 0; pixel < x.size() / 8; ++pixel) {
    for (std::size_t g = 0; g < 4; ++g)
      for (std::size_t i = 0; i < 2; ++i) CHECK(shuffled[pixel * 8 + i * 4 + g] == x[pixel * 8 + g * 2 + i]);
    for (std::size_t c = 0; c < 4; ++c) CHECK(sliced[pixel * 4 + c] == x[pixel * 8 + 3 + c]);
  }
}

}  // namespace rlnas
