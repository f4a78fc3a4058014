// Gradients of an activation's output that are added up before they pass back through it, for backends that
// gain by that, against each passing back by itself.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/forwarding_backend.h"
#include "tests/ops/graph_layers.h"
#include "tests/ops/test_network.h"
#include "tests/support/network_graph.h"

namespace rlnas::test {
namespace {

constexpr int kSize = 8, kChannels = 6;

// Another backend that says it gains, and how often an activation was passed back through.
class MaskingOnce final : public ForwardingBackend<MaskingOnce> {
 public:
  explicit MaskingOnce(Backend& inner) : ForwardingBackend(inner) {}

  bool gains_by_masking_once() const override { return true; }
  // By sums alone, whatever the other gains by.
  bool gains_by_normalising_inputs(const ConvSpec&) const override { return false; }
  std::size_t note_bytes(const ConvNormBackward&) const override { return 0; }

  template <class Primitive>
  void take(const Primitive& call, Workspace workspace) {
    if constexpr (std::is_same_v<Primitive, ActivationBackward>) ++by_itself;
    if constexpr (std::is_same_v<Primitive, ConvNormBackward>) {
      in_norms += call.z_activation != Activation::none;
      CHECK(call.x_activation == Activation::none);  // left to the variable behind
    }
    if constexpr (std::is_same_v<Primitive, BatchNormBackward>)
      in_norms += call.activation != Activation::none;
    inner_.run(call, workspace);
  }

  int by_itself = 0, in_norms = 0;
};

std::vector<float> gradients(Backend& backend, const Graph& graph) {
  const GraphNetwork network(graph);
  TestNetwork trained(backend, network.layout.tensors(), kSize, network);
  trained.loss();
  trained.backward();
  std::vector<float> all;
  const SegmentTable& table = trained.parameters.table();
  for (int s = 0; s < table.size(); ++s) {
    const float* const g = trained.parameters.gradient_of(s);
    all.insert(all.end(), g, g + table[s].count);
  }
  return all;
}

struct Masks {
  int by_itself, in_norms;
  friend bool operator==(const Masks&, const Masks&) = default;
};

Masks check(const Graph& graph) {
  const auto ref = make_ref_backend();
  const std::vector<float> expected = gradients(*ref, graph);
  MaskingOnce once(*ref);
  const std::vector<float> got = gradients(once, graph);
  double largest = 0.0, apart = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    largest = std::max(largest, std::abs(double(expected[i])));
    apart = std::max(apart, std::abs(double(expected[i]) - double(got[i])));
  }
  CHECK(got.size() == expected.size());
  CHECK(apart <= 2e-6 * largest);
  return {once.by_itself, once.in_norms};
}

int conv_norm(Graph& graph, int x, const std::string& name, int kernel = 3) {
  const int conv = graph.conv(x, name, {.out_channels = kChannels, .kernel = kernel, .padding = kernel / 2});
  return graph.batch_norm(conv, name + "_norm");
}

}  // namespace

TEST_CASE("a norm takes its activation's gradient, whoever reads that") {
  Graph graph;
  const int x = add_stem(graph, kSize, kChannels);
  const int a = graph.activation(conv_norm(graph, x, "a"), Activation::relu6);
  const int sum = graph.sum({conv_norm(graph, a, "b"), conv_norm(graph, a, "c", 1), a});
  add_classifier(graph, sum);
  CHECK(check(graph) == Masks{0, 1});
}

TEST_CASE("a sum that is read as it is and activated passes one gradient back") {
  Graph graph;
  const int x = add_stem(graph, kSize, kChannels);
  const int node = graph.sum({conv_norm(graph, x, "a"), x});
  const int last = graph.sum({conv_norm(graph, graph.relu(node), "b"),
                              conv_norm(graph, graph.relu(node), "c"), node, graph.avg_pool(node, {})});
  add_classifier(graph, graph.relu(last));
  CHECK(check(graph) == Masks{2, 0});
}

TEST_CASE("a value that nobody reads but activated, and a norm that is read both ways") {
  Graph graph;
  const int x = add_stem(graph, kSize, kChannels);
  const int node = graph.sum({conv_norm(graph, x, "a"), x});
  const int norm = graph.sum({conv_norm(graph, graph.relu(node), "b")});
  add_classifier(graph, graph.sum({conv_norm(graph, graph.relu(norm), "c"), norm}));
  CHECK(check(graph) == Masks{2, 0});
}

TEST_CASE("activations in chains, behind pooled and joined values, and of parts") {
  Graph graph;
  int x = add_inverted_residual(graph, add_stem(graph, kSize, kChannels), "chain");
  const int a = graph.sum({conv_norm(graph, x, "a")}), b = graph.sum({conv_norm(graph, x, "b"), x});
  const int joined = graph.concat({a, b});
  x = graph.relu(joined);
  const int separable = add_separable(graph, x, "s", 3, 2);
  add_classifier(graph, graph.relu(graph.sum({separable, add_reduction(graph, x, "r", 2 * kChannels)})));
  CHECK(check(graph).in_norms >= 2);
}

}  // namespace rlnas::test
