// The tape against finite differences of the loss: every parameter of small networks that use each operation.
#include <doctest/doctest.h>

#include "ops/conv.h"
#include "ops/norm_sum.h"
#include "ops/pool.h"
#include "tests/ops/graph_layers.h"
#include "tests/ops/test_network.h"
#include "tests/support/network_graph.h"

namespace rlnas::test {
namespace {

// An activation shared by several edges, a skip, and a sum of many terms.
struct SumNetwork {
  static constexpr int kSize = 6;
  ModelBuilder builder;
  Conv2d stem = builder.conv("stem", {.in_channels = 3, .out_channels = 8, .kernel = 3, .padding = 1});
  BatchNorm stem_norm = builder.batch_norm("stem_norm", 8, Affine::yes);
  Conv2d a = builder.conv("a", {.in_channels = 8, .out_channels = 8, .kernel = 1});
  BatchNorm a_norm = builder.batch_norm("a_norm", 8, Affine::yes);
  Conv2d b =
      builder.conv("b", {.in_channels = 8, .out_channels = 8, .kernel = 3, .padding = 2, .dilation = 2});
  BatchNorm b_norm = builder.batch_norm("b_norm", 8, Affine::no);
  Conv2d down =
      builder.conv("down", {.in_channels = 8, .out_channels = 16, .kernel = 3, .stride = 2, .padding = 1});
  Conv2d shortened = builder.conv("short", {.in_channels = 8, .out_channels = 16});
  BatchNorm down_norm = builder.batch_norm("down_norm", 16, Affine::yes);
  BatchNorm constant_norm = builder.batch_norm("constant_norm", 16, Affine::yes);
  Linear classifier = builder.linear("classifier", 16, 5);

  Tensor operator()(Context& c, const Tensor& images) const {
    const NodeOutput x = norm_sum(c, {conv_norm(c, images, stem, stem_norm)}, SumOutput::both);
    const Tensor pooled = avg_pool(c, x.sum, {});
    const NodeOutput y = norm_sum(c,
                                  {conv_norm(c, x.activated, a, a_norm),
                                   conv_norm(c, x.activated, b, b_norm),
                                   {x.sum},
                                   {x.sum},
                                   {pooled},
                                   average_3x3(x.sum),
                                   average_3x3(x.activated),
                                   {x.activated}},
                                  SumOutput::both);
    // A gradient must pass back through the ReLU whatever takes the activated tensor.
    const Tensor shortcut =
        conv2d(c, avg_pool(c, y.activated, {.kernel = 2, .stride = 2, .padding = 0}), shortened);
    const Tensor bounded = norm_sum(c, {{y.sum}}, SumOutput::activated, Activation::relu6).activated;
    const Tensor raw = conv2d(c, bounded, down);
    // gamma and beta of a batch norm have gradients even when its input needs none.
    RandomStream random(6, "constant");
    const Tensor constant = make_tensor(c.arena, raw.shape);
    for (std::size_t i = 0; i < constant.count(); ++i) constant.data()[i] = random.uniform();
    const Tensor z =
        norm_sum(c, {normalise(c, raw, down_norm), {shortcut}, normalise(c, constant, constant_norm)},
                 SumOutput::activated)
            .activated;
    return linear(c, global_avg_pool(c, z), classifier);
  }
};

// The operations of the DARTS spaces, at strides 1 and 2, on tensors that are activated and on ones that are
// not.
Graph darts_graph() {
  Graph graph;
  const int x = add_stem(graph, 8, 8), activated = graph.relu(x);
  const int a = graph.sum(
      {graph.batch_norm(graph.max_pool(x, {}), "max_norm"), add_separable(graph, activated, "sep", 5)});
  const int b = graph.sum({graph.batch_norm(graph.avg_pool(activated, {}), "avg_norm"),
                           add_separable(graph, activated, "dil", 3, 1, 2)});
  const int joined = graph.relu(graph.concat({a, b})), joined_sums = graph.concat({b, a});
  const Pool pool{.kernel = 3, .stride = 2, .padding = 1};
  const int y = graph.sum(
      {add_reduction(graph, joined, "reduce", 16), add_separable(graph, joined, "sep_2", 3, 2),
       add_separable(graph, joined, "dil_2", 5, 2, 2), add_reduction(graph, joined_sums, "plain", 16),
       graph.batch_norm(graph.max_pool(joined, pool), "max_2_norm")});
  add_classifier(graph, graph.relu(y));
  return graph;
}

// Values that are activated where they are made, as own search spaces have them: added to norms, activated
// once more, and beside ones that are not.
Graph activated_graph() {
  Graph graph;
  const int x = graph.relu(add_stem(graph, 6, 8));
  const auto conv_norm = [&](int from, const std::string& name) {
    const int conv = graph.conv(from, name, {.out_channels = 8, .kernel = 3, .padding = 1});
    return graph.batch_norm(conv, name + "_norm");
  };
  const int a = graph.relu(graph.sum({conv_norm(x, "a"), x}));
  const int b = graph.sum({graph.sum({a}), conv_norm(graph.relu(a), "b")});
  const int joined = graph.concat({a, b, graph.max_pool(x, {})});
  const int y = graph.sum({conv_norm(graph.relu(joined), "c"), conv_norm(joined, "d")});
  add_classifier(graph, graph.activation(y, Activation::relu6));
  return graph;
}

// The auxiliary heads of the DARTS family.
enum class Head { cifar, imagenet };

constexpr int image_size(Head head) {
  return head == Head::cifar ? 8 : 7;
}

int add_head(Graph& graph, Head head, int x) {
  x = graph.avg_pool(x, {.kernel = 5, .stride = head == Head::cifar ? 3 : 2, .padding = 0});
  x = graph.batch_norm(graph.conv(x, "squeeze", {.out_channels = 128}), "squeeze_norm");
  x = graph.conv(graph.relu(x), "expand", {.out_channels = 768, .kernel = 2});
  if (head == Head::cifar) x = graph.batch_norm(x, "expand_norm");
  return graph.linear(graph.relu(x), "head", 5);
}

// What is only in stand-alone networks: dropped edges and values, and an auxiliary head as the classifier.
Graph retrain_graph(Head head) {
  Graph graph;
  const int x = graph.relu(add_stem(graph, image_size(head), 8));
  const int edge =
      graph.batch_norm(graph.conv(x, "a", {.out_channels = 8, .kernel = 3, .padding = 1}), "a_norm");
  // The gradients of a dropped tensor and of one that was activated first.
  const int y = graph.relu(graph.sum({graph.drop_path(edge, "edge"), graph.drop_path(x, "x")}));
  const int features = graph.dropout(graph.global_avg_pool(y), "features");
  graph.add_output(graph.sum({add_head(graph, head, y), graph.linear(features, "classifier", 5)}));
  return graph;
}

void check_sums(Backend& backend) {
  const SumNetwork layers;
  TestNetwork network(backend, layers.builder, SumNetwork::kSize, layers);
  check_gradients(network);
}

void check_graph(Backend& backend, const Graph& graph) {
  GraphNetwork layers(graph, {.drops_paths = true, .drops_values = true});
  layers.drops.paths = layers.drops.values = {.probability = 0.4, .seed = 2};
  TestNetwork network(backend, layers.layout.tensors(), graph[0].shape.height, layers);
  check_gradients(network);
}

}  // namespace

TEST_CASE("gradients of the tape equal finite differences: ref") {
  check_sums(*make_ref_backend());
}
TEST_CASE("gradients of the tape equal finite differences: cpu") {
  check_sums(*make_cpu_backend({.threads = 2}));
}
TEST_CASE("gradients of the DARTS operations equal finite differences: ref") {
  check_graph(*make_ref_backend(), darts_graph());
}
TEST_CASE("gradients of the DARTS operations equal finite differences: cpu") {
  check_graph(*make_cpu_backend({.threads = 2}), darts_graph());
}
TEST_CASE("gradients of values that are activated where they are made equal finite differences: ref") {
  check_graph(*make_ref_backend(), activated_graph());
}
TEST_CASE("gradients of values that are activated where they are made equal finite differences: cpu") {
  check_graph(*make_cpu_backend({.threads = 2}), activated_graph());
}
TEST_CASE("gradients of drops and the auxiliary heads equal finite differences: ref") {
  check_graph(*make_ref_backend(), retrain_graph(Head::cifar));
  check_graph(*make_ref_backend(), retrain_graph(Head::imagenet));
}
TEST_CASE("gradients of drops and the auxiliary heads equal finite differences: cpu") {
  check_graph(*make_cpu_backend({.threads = 2}), retrain_graph(Head::cifar));
  check_graph(*make_cpu_backend({.threads = 2}), retrain_graph(Head::imagenet));
}

}  // namespace rlnas::test
