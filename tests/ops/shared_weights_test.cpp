// Layers that a network uses twice: the gradient of their weights is the sum of what both uses give.
#include <doctest/doctest.h>

#include <map>

#include "tests/ops/graph_layers.h"
#include "tests/ops/test_network.h"
#include "tests/support/final_watch.h"
#include "tests/support/network_graph.h"

namespace rlnas::test {
namespace {

constexpr int kSize = 6, kChannels = 8;

// One of each kind of layer with weights, but for the classifier's matrix.
int add_cell(Graph& graph, int x, const std::string& name) {
  const int activated = graph.relu(x);
  // Two that read the convolution: its norm runs by itself.
  const int plain = graph.conv(activated, name + ".plain", {.out_channels = kChannels});
  const int conv =
      graph.conv(activated, name + ".conv", {.out_channels = kChannels, .kernel = 3, .padding = 1});
  const int y = graph.sum({graph.batch_norm(conv, name + ".conv_norm"),
                           add_separable(graph, activated, name + ".separable", 3),
                           graph.batch_norm(plain, name + ".plain_norm"), plain, x});
  return add_inverted_residual(graph, y, name + ".residual");
}

int add_matrix(Graph& graph, int x, const std::string& name) {
  return graph.linear(x, name + ".linear", kChannels);
}

// The same network with the layers of both cells its own, or one for both. The matrices of the cells, which
// come last, lie beside their other weights.
GraphNetwork network_of(bool shares) {
  Graph tensors;
  int x = add_stem(tensors, kSize, kChannels);
  for (const char* name : {"first", "second"}) {
    tensors.begin_unit();
    if (shares && name == std::string("second")) continue;
    x = add_cell(tensors, x, name);
    add_matrix(tensors, tensors.global_avg_pool(x), name);
  }
  tensors.begin_unit();
  add_classifier(tensors, x);

  Graph graph;
  const std::string second = shares ? "first" : "second";
  x = add_stem(graph, kSize, kChannels);
  for (const std::string& name : {std::string("first"), second}) {
    graph.begin_unit();
    x = add_cell(graph, x, name);
  }
  graph.begin_unit();
  x = add_matrix(graph, graph.global_avg_pool(graph.relu(x)), "first");
  graph.add_output(graph.linear(add_matrix(graph, x, second), "classifier", 5));
  return GraphNetwork(tensors, graph);
}

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
  const GraphNetwork shared = network_of(true), apart = network_of(false);
  TestNetwork one(backend, shared.layout.tensors(), kSize, shared),
      two(backend, apart.layout.tensors(), kSize, apart);
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
  const GraphNetwork network = network_of(true);
  TestNetwork tested(backend, network.layout.tensors(), kSize, network);
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
  const GraphNetwork shared = network_of(true);
  TestNetwork network(*backend, shared.layout.tensors(), kSize, shared);
  const auto first = gradients_of(network);
  network.parameters.sgd_step({.learning_rate = 0.1f}, Unsampled::coast);
  CHECK(gradients_of(network) == first);
}

TEST_CASE("gradients are called final after the last use of their layers, and not before") {
  const auto backend = make_cpu_backend({.threads = 1});
  for (const bool shares : {false, true}) {
    const GraphNetwork layers = network_of(shares);
    TestNetwork network(*backend, layers.layout.tensors(), kSize, layers);
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
