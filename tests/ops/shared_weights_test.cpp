// Layers that a network uses twice: the gradient of their weights is the sum of what both uses give.
#include <doctest/doctest.h>

#include <map>

#include "ops/conv.h"
#include "ops/inverted_residual.h"
#include "ops/norm_sum.h"
#include "ops/pool.h"
#include "ops/separable_conv.h"
#include "tests/ops/test_network.h"
#include "tests/support/final_watch.h"

namespace rlnas::test {
namespace {

constexpr int kSize = 6, kChannels = 8;

// One of each kind of layer with weights.
struct Layers {
  Conv2d plain, conv;
  BatchNorm plain_norm, conv_norm;
  SeparableConv separable;
  InvertedResidual residual;
  Linear linear;

  Layers(ModelBuilder& builder, const std::string& name)
      : plain(builder.conv(name + ".plain", {.in_channels = kChannels, .out_channels = kChannels})),
        conv(builder.conv(name + ".conv",
                          {.in_channels = kChannels, .out_channels = kChannels, .kernel = 3, .padding = 1})),
        plain_norm(builder.batch_norm(name + ".plain_norm", kChannels, Affine::yes)),
        conv_norm(builder.batch_norm(name + ".conv_norm", kChannels, Affine::yes)),
        separable{builder.conv(name + ".depthwise", {.in_channels = kChannels,
                                                     .out_channels = kChannels,
                                                     .kernel = 3,
                                                     .padding = 1,
                                                     .groups = kChannels}),
                  builder.conv(name + ".pointwise", {.in_channels = kChannels, .out_channels = kChannels}),
                  builder.batch_norm(name + ".separable_norm", kChannels, Affine::yes)},
        residual(add_inverted_residual(
            builder, name + ".residual",
            {.in_channels = kChannels, .out_channels = kChannels, .kernel = 3, .expansion = 3})),
        linear(builder.linear(name + ".linear", kChannels, kChannels)) {}

  NodeOutput cell(Context& c, const NodeOutput& x) const {
    const SumTerm normalised = normalise(c, conv2d(c, x.activated, plain), plain_norm);
    const NodeOutput y = norm_sum(c,
                                  {rlnas::conv_norm(c, x.activated, conv, conv_norm),
                                   separable_conv(c, x.activated, separable),
                                   normalised,
                                   {x.sum}},
                                  Want::both);
    const Tensor z = apply(c, residual, y.sum);
    return {z, activate(c, z, Activation::relu)};
  }
};

// The same network with the layers of both cells its own, or one for both.
struct Network {
  bool shares;
  ModelBuilder builder;
  Conv2d stem =
      builder.conv("stem", {.in_channels = 3, .out_channels = kChannels, .kernel = 3, .padding = 1});
  BatchNorm stem_norm = builder.batch_norm("stem_norm", kChannels, Affine::yes);
  Layers first{builder, "first"};
  Layers second = shares ? first : Layers(builder, "second");
  int head = builder.parameters().size();
  Linear classifier = builder.linear("classifier", kChannels, 5);

  explicit Network(bool shared) : shares(shared) {}

  Tensor operator()(Context& c, const Tensor& images) const {
    NodeOutput x = norm_sum(c, {conv_norm(c, images, stem, stem_norm)}, Want::both);
    c.mark_gradients_from(first.plain.weight);
    x = first.cell(c, x);
    c.mark_gradients_from(second.plain.weight);
    x = second.cell(c, x);
    c.mark_gradients_from(head);
    Tensor y = linear(c, global_avg_pool(c, x.activated), first.linear);
    return linear(c, linear(c, y, second.linear), classifier);
  }
};

// Name and gradient of every tensor.
std::map<std::string, std::vector<float>> gradients_of(TestNetwork& network) {
  network.loss();
  network.backward();
  std::map<std::string, std::vector<float>> gradients;
  for (int s = 0; s < network.parameters.table().size(); ++s) {
    const Segment& segment = network.parameters.table()[s];
    const float* const first = network.parameters.gradient_of(s);
    gradients[segment.name] = {first, first + segment.count};
  }
  return gradients;
}

void check_sums(Backend& backend) {
  const Network shared(true), apart(false);
  TestNetwork one(backend, shared.builder, kSize, shared), two(backend, apart.builder, kSize, apart);
  const SegmentTable& table = two.parameters.table();
  for (const Segment& segment : table) {  // both cells with the weights of the shared one
    std::string name = segment.name;
    if (name.starts_with("second")) name.replace(0, std::string("second").size(), "first");
    const Segment& from = one.parameters.table()[one.parameters.table().find(name)];
    std::copy_n(one.weights.begin() + from.offset, from.count, two.weights.begin() + segment.offset);
  }
  CHECK(one.loss() == two.loss());
  const auto sums = gradients_of(one), parts = gradients_of(two);
  for (const auto& [name, gradient] : sums) {
    std::vector<float> expected = parts.at(name);
    if (name.starts_with("first")) {
      const std::vector<float>& more = parts.at("second" + name.substr(std::string("first").size()));
      for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += more[i];
    }
    INFO(name);
    CHECK(gradient == expected);
  }
}

void check_finite_differences(Backend& backend) {
  const Network network(true);
  TestNetwork tested(backend, network.builder, kSize, network);
  check_gradients(tested);
}

}  // namespace

TEST_CASE("the gradient of a layer used twice is the sum of those of two layers: ref") {
  check_sums(*make_ref_backend());
}
TEST_CASE("the gradient of a layer used twice is the sum of those of two layers: cpu") {
  check_sums(*make_cpu_backend({.threads = 2}));
}
TEST_CASE("gradients of layers used twice equal finite differences: ref") {
  check_finite_differences(*make_ref_backend());
}
TEST_CASE("gradients of layers used twice equal finite differences: cpu") {
  check_finite_differences(*make_cpu_backend({.threads = 2}));
}

TEST_CASE("a second step starts from nothing") {
  const auto backend = make_cpu_backend({.threads = 1});
  const Network shared(true);
  TestNetwork network(*backend, shared.builder, kSize, shared);
  const auto first = gradients_of(network);
  network.parameters.sgd_step({.learning_rate = 0.1f}, Unsampled::coast);
  CHECK(gradients_of(network) == first);
}

TEST_CASE("gradients are called final after the last use of their layers, and not before") {
  const auto backend = make_cpu_backend({.threads = 1});
  for (const bool shares : {false, true}) {
    const Network layers(shares);
    TestNetwork network(*backend, layers.builder, kSize, layers);
    FinalWatch watch;
    network.parameters.set_exchange(&watch);
    network.loss();
    watch.begin(network.parameters.gradient().data(), std::size_t(network.parameters.table().buffer_count()),
                1.0);
    network.backward();
    watch.finish();
    CHECK(watch.same);
    CHECK(watch.marks ==
          (shares ? 2 : 3));  // the head's and the first cell's, and the second's if it has any
  }
}

}  // namespace rlnas::test
