// What programs of graphs compute: the same bits as the calls of ops/ that they stand for, the values of all
// nodes, and which weights a training step takes as sampled.
#include "ops/graph_program.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/philox.h"
#include "ops/channels.h"
#include "ops/classifier.h"
#include "ops/conv.h"
#include "ops/norm_sum.h"
#include "ops/pool.h"
#include "tests/ops/graph_layers.h"
#include "tests/support/errors.h"
#include "tests/support/network_graph.h"

namespace rlnas::test {
namespace {

constexpr int kSize = 8, kChannels = 8, kBatch = 3;

// Random values around those of a new network; running statistics too.
std::vector<float> shaken(std::vector<float> values, const char* stream) {
  RandomStream random(7, stream);
  for (float& value : values) value += 0.4f * (random.uniform() - 0.5f);
  return values;
}

// Weights, memory and images of a pass.
struct Pass {
  Pass(Backend& backend, const NetworkLayout& layout, Mode mode)
      : parameters(backend, layout.tensors().parameters()),
        statistics(backend, layout.tensors().statistics()),
        arena(backend, std::size_t{16} << 20),
        tape(backend, arena),
        context{backend, arena, tape, parameters, statistics, mode} {
    parameters.weights().upload(shaken(layout.tensors().initial_parameters(3), "weights"));
    statistics.upload(shaken(layout.tensors().initial_statistics(), "statistics"));
    images = make_tensor(arena, Shape::image(kBatch, kSize, kSize, 3));
    RandomStream random(8, "images");
    for (std::size_t i = 0; i < images.count(); ++i) images.data()[i] = 2.0f * random.uniform() - 1.0f;
  }

  Parameters parameters;
  FlatBuffer statistics;
  Arena arena;
  Tape tape;
  Context context;
  Tensor images;
};

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.data<float>(), tensor.data<float>() + tensor.count()};
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = std::max(difference, double(std::abs(a[i] - b[i])));
  return difference;
}

// ---- the graph, node by node ----------------------------------------------------------------------------

// The value of every node by calls of its own, each written to memory.
std::vector<Tensor> node_by_node(Context& c, const Graph& graph, const NetworkLayout& layout,
                                 const Tensor& images) {
  std::vector<Tensor> values;
  const auto sum_of = [&](std::vector<SumTerm> terms) {
    return norm_sum(c, std::move(terms), SumOutput::sum, Activation::none).sum;
  };
  for (const Node& node : graph.nodes()) {
    std::vector<Tensor> in;
    for (const int input : node.inputs) in.push_back(values[std::size_t(input)]);
    Tensor y;
    switch (node.kind) {
      case NodeKind::input:
        y = images;
        break;
      case NodeKind::zeros:
        y = make_tensor(c.arena,
                        Shape::image(kBatch, node.shape.height, node.shape.width, node.shape.channels));
        c.backend.run(Fill{.count = y.count(), .value = 0.0f, .y = y.data()});
        break;
      case NodeKind::conv:
        y = conv2d(c, in[0], layout.conv(node.name));
        break;
      case NodeKind::batch_norm:
        y = sum_of({normalise(c, in[0], layout.batch_norm(node.name))});
        break;
      case NodeKind::activation:
        y = norm_sum(c, {{in[0]}}, SumOutput::activated, node.activation).activated;
        break;
      case NodeKind::sum: {
        std::vector<SumTerm> terms;
        for (const Tensor& term : in) terms.push_back({term});
        y = sum_of(std::move(terms));
        break;
      }
      case NodeKind::concat:
        y = concat_channels(c, in);
        break;
      case NodeKind::avg_pool:
        y = avg_pool(c, in[0], node.pool);
        break;
      case NodeKind::max_pool:
        y = max_pool(c, in[0], node.pool);
        break;
      case NodeKind::global_avg_pool:
        y = global_avg_pool(c, in[0]);
        break;
      case NodeKind::subsample:
        y = subsample(c, in[0], node.offset);
        break;
      case NodeKind::linear:
        y = linear(c, in[0], layout.linear(node.name));
        break;
      case NodeKind::weighted_sum:
      case NodeKind::slice:
      case NodeKind::channel_shuffle:
      case NodeKind::dropout:
      case NodeKind::drop_path:
      case NodeKind::boundary:
        y = in[0];
        break;
    }
    y.applied = Activation::none;  // no gradient goes back here
    values.push_back(y);
  }
  return values;
}

// Every kind of node, and every way in which nodes become one call.
Graph mixed_graph() {
  Graph g;
  const int stem = add_stem(g, kSize, kChannels);
  const auto edge = [&](int x, const std::string& name) {
    const int conv = g.conv(g.relu(x), name, {.out_channels = kChannels});
    return g.batch_norm(conv, name + "_norm", Affine::no);
  };
  const int b = g.sum({edge(stem, "a"), stem, g.avg_pool(stem, {})});
  const int dead = edge(g.zeros(g[stem].shape), "dead");
  const int pooled = g.batch_norm(g.max_pool(b, {}), "pooled_norm");
  const int c = g.boundary(g.sum({pooled, dead, b}));
  const int joined = g.relu(g.concat({b, c}));
  const int separable = g.drop_path(add_separable(g, joined, "separable", 3, 2), "drop");
  const int d = g.sum({add_reduction(g, joined, "reduction", 2 * kChannels), separable});
  const int e = add_inverted_residual(g, d, "chain");
  const int head = g.relu(g.batch_norm(e, "head_norm"));
  g.add_output(g.linear(g.dropout(g.global_avg_pool(head), "dropout"), "classifier", 5));
  g.add_output(g.linear(g.global_avg_pool(g.relu(b)), "beside", 5), 0.4f);
  return g;
}

// Runs as they are normalised by a mean of zero, also in evaluation.
void without_dead_mean(Pass& pass, const NetworkLayout& layout) {
  const BatchNorm& norm = layout.batch_norm("dead_norm");
  std::fill_n(pass.statistics.at(norm.running_mean), norm.channels, 0.0f);
}

// A convolution, a norm or an average that runs within the call of its reader is taken out of it where it is
// tapped, and what it gives is rounded before it is read; a dropped edge is one of these by another name.
bool may_be_within_a_call(NodeKind kind) {
  return kind == NodeKind::conv || kind == NodeKind::batch_norm || kind == NodeKind::avg_pool ||
         kind == NodeKind::drop_path;
}

bool is_activated(const Graph& graph, int node) {
  const NodeKind kind = graph[node].kind;
  const bool passes_on = kind == NodeKind::subsample || kind == NodeKind::dropout ||
                         kind == NodeKind::drop_path || kind == NodeKind::boundary;
  return kind == NodeKind::activation || (passes_on && is_activated(graph, graph[node].inputs.front()));
}

// All nodes, but where gradients are recorded: these are told of values before their activation alone.
std::vector<int> nodes_to_tap(const Graph& graph, Mode mode) {
  std::vector<int> nodes;
  for (int n = 0; n < graph.size(); ++n)
    if (mode != Mode::train || !is_activated(graph, n)) nodes.push_back(n);
  return nodes;
}

template <class Check>
void on_each_backend_and_mode(const Check& check) {
  for (const bool ref : {true, false})
    for (const Mode mode : {Mode::train, Mode::measure, Mode::evaluate}) {
      CAPTURE(ref);
      CAPTURE(int(mode));
      const auto backend = ref ? make_ref_backend() : make_cpu_backend({.threads = 2});
      check(*backend, mode);
    }
}

}  // namespace

TEST_CASE("a tap of any node is the value that the graph says, whatever becomes one call") {
  const Graph graph = mixed_graph();
  const NetworkLayout layout(graph, Initializer::pytorch);
  on_each_backend_and_mode([&](Backend& backend, Mode mode) {
    Pass by_node(backend, layout, mode), tapped(backend, layout, mode);
    without_dead_mean(by_node, layout);
    without_dead_mean(tapped, layout);
    const std::vector<Tensor> expected = node_by_node(by_node.context, graph, layout, by_node.images);
    const auto check = [&](const std::vector<int>& taps) {
      const Program program(graph, layout, {.trains = true, .taps = taps});
      tapped.context.auxiliary.clear();
      const Program::Result result = program.run(tapped.context, tapped.images, {});
      REQUIRE(result.taps.size() == taps.size());
      for (std::size_t t = 0; t < taps.size(); ++t) {
        const std::vector<float> want = values_of(expected[std::size_t(taps[t])]);
        CAPTURE(taps[t]);
        CHECK(largest_difference(values_of(result.taps[t]), want) < 1e-5);
      }
      tapped.tape.clear();
    };
    const std::vector<int> nodes = nodes_to_tap(graph, mode);
    check(nodes);
    for (const int node : nodes) check({node});
  });
}

TEST_CASE("taps of sums, activations and all that lies in memory anyway change no bit of the logits") {
  const Graph graph = mixed_graph();
  const NetworkLayout layout(graph, Initializer::pytorch);
  on_each_backend_and_mode([&](Backend& backend, Mode mode) {
    const auto logits_with = [&](const std::vector<int>& taps) {
      Pass pass(backend, layout, mode);
      const Program program(graph, layout, {.trains = true, .taps = taps});
      return values_of(program.run(pass.context, pass.images, {}).logits);
    };
    const std::vector<float> expected = logits_with({});
    const std::vector<int> nodes = nodes_to_tap(graph, mode);
    std::vector<int> exact;
    for (const int node : nodes) {
      const std::vector<float> logits = logits_with({node});
      CAPTURE(node);
      if (!may_be_within_a_call(graph[node].kind)) {
        exact.push_back(node);
        CHECK(logits == expected);
      }
      CHECK(largest_difference(logits, expected) < 1e-5);
    }
    CHECK(logits_with(exact) == expected);
    CHECK(largest_difference(logits_with(nodes), expected) < 1e-5);
  });
}

TEST_CASE("a program is the calls of ops/ that one would write by hand, bit for bit") {
  Graph graph;
  const int x = add_stem(graph, kSize, kChannels);
  const int a = graph.batch_norm(graph.conv(graph.relu(x), "a", {.out_channels = kChannels}), "a_norm");
  const int y = graph.sum({a, graph.avg_pool(x, {}), x});
  const int z = graph.conv(graph.avg_pool(y, {.kernel = 2, .stride = 2, .padding = 0}), "b",
                           {.out_channels = 2 * kChannels});
  add_classifier(graph, graph.relu(graph.batch_norm(graph.max_pool(z, {}), "head_norm")));
  const NetworkLayout layout(graph, Initializer::pytorch);
  const auto by_hand = [&](Context& c, const Tensor& images) {
    const NodeOutput stem = norm_sum(
        c, {conv_norm(c, images, layout.conv("stem"), layout.batch_norm("stem_norm"))}, SumOutput::both);
    const Tensor sum = norm_sum(c,
                                {conv_norm(c, stem.activated, layout.conv("a"), layout.batch_norm("a_norm")),
                                 average_3x3(stem.sum),
                                 {stem.sum}},
                                SumOutput::sum)
                           .sum;
    const Tensor small =
        conv2d(c, avg_pool(c, sum, {.kernel = 2, .stride = 2, .padding = 0}), layout.conv("b"));
    const Tensor head = norm_sum(c, {normalise(c, max_pool(c, small, {}), layout.batch_norm("head_norm"))},
                                 SumOutput::activated)
                            .activated;
    return linear(c, global_avg_pool(c, head), layout.linear("classifier"));
  };
  on_each_backend_and_mode([&](Backend& backend, Mode mode) {
    Pass hand(backend, layout, mode), program(backend, layout, mode);
    const std::vector<float> expected = values_of(by_hand(hand.context, hand.images));
    CHECK(values_of(Program(graph, layout, {.trains = mode == Mode::train})
                        .run(program.context, program.images, {})
                        .logits) == expected);
    CHECK(program.statistics.download() == hand.statistics.download());
    CHECK(program.parameters.ever_sampled() == hand.parameters.ever_sampled());
  });
}

TEST_CASE("what a path names and does not run coasts, what it does not name is left alone") {
  const auto edge = [](Graph& g, int x, const std::string& name) {
    return g.batch_norm(g.conv(g.relu(x), name, {.out_channels = kChannels}), name + "_norm", Affine::no);
  };
  Graph all, path;
  int x = add_stem(all, kSize, kChannels);
  x = all.sum({edge(all, x, "live"), edge(all, x, "behind_zeros"), edge(all, x, "nowhere"),
               edge(all, x, "not_named")});
  add_classifier(all, x);
  x = add_stem(path, kSize, kChannels);
  edge(path, x, "nowhere");
  const int zeros = path.zeros(path[x].shape);
  add_classifier(path, path.sum({edge(path, x, "live"), edge(path, zeros, "behind_zeros")}));

  const auto backend = make_cpu_backend({.threads = 1});
  const GraphNetwork network(all, path);
  const SegmentTable& table = network.layout.tensors().parameters();
  Pass pass(*backend, network.layout, Mode::train);
  const std::vector<float> before = pass.parameters.weights().download();
  const std::vector<float> statistics = pass.statistics.download();
  const Tensor logits = network(pass.context, pass.images);
  for (const Segment& s : table) {
    INFO(s.name);
    CHECK((pass.parameters.ever_sampled()[std::size_t(table.find(s.name))] != 0) ==
          (s.name != "not_named.weight"));
  }
  const Tensor labels = make_tensor(pass.arena, Shape::matrix(kBatch, 1), Layout::flat, DType::i32);
  for (int i = 0; i < kBatch; ++i) labels.data<std::int32_t>()[i] = i;
  LossSums sums;
  cross_entropy(pass.context, logits, labels, 0.0f, &sums);
  pass.tape.backward();
  constexpr float kRate = 0.5f, kDecay = 0.1f;
  pass.parameters.sgd_step({.learning_rate = kRate, .weight_decay = kDecay}, Unsampled::coast);
  const std::vector<float> after = pass.parameters.weights().download();
  const auto decayed = [&](const std::string& name) {  // by nothing else than the decay
    const Segment& s = table[table.find(name)];
    double error = 0.0;
    for (std::int64_t i = s.offset; i < s.offset + s.count; ++i)
      error = std::max(
          error, double(std::abs(after[std::size_t(i)] - (1.0f - kRate * kDecay) * before[std::size_t(i)])));
    return error < 1e-6;
  };
  CHECK(decayed("behind_zeros.weight"));
  CHECK(decayed("nowhere.weight"));
  CHECK(!decayed("live.weight"));
  const Segment& left = table[table.find("not_named.weight")];
  CHECK(std::equal(after.begin() + left.offset, after.begin() + left.offset + left.count,
                   before.begin() + left.offset));
  // Nor did a norm of theirs see anything.
  const std::vector<float> running = pass.statistics.download();
  for (const Segment& s : network.layout.tensors().statistics()) {
    INFO(s.name);
    const bool moved = !std::equal(running.begin() + s.offset, running.begin() + s.offset + s.count,
                                   statistics.begin() + s.offset);
    CHECK(moved == (s.name.starts_with("stem") || s.name.starts_with("live")));
  }
}

TEST_CASE("a pass without gradients marks no weights and leaves nothing beside the logits") {
  const GraphNetwork network(mixed_graph(), {.trains = false});
  const auto backend = make_cpu_backend({.threads = 1});
  for (const Mode mode : {Mode::evaluate, Mode::measure}) {
    Pass pass(*backend, network.layout, mode);
    const std::vector<float> statistics = pass.statistics.download();
    CHECK(network(pass.context, pass.images).shape == Shape::matrix(kBatch, 5));
    CHECK(pass.context.auxiliary.empty());
    CHECK((pass.statistics.download() == statistics) == (mode == Mode::evaluate));
    for (const std::uint8_t sampled : pass.parameters.ever_sampled()) CHECK(sampled == 0);
  }

  const GraphNetwork trains(mixed_graph());
  Pass training(*backend, trains.layout, Mode::train);
  trains(training.context, training.images);
  REQUIRE(training.context.auxiliary.size() == 1);
  CHECK(training.context.auxiliary[0].weight == 0.4f);
  CHECK(training.context.auxiliary[0].logits.shape == Shape::matrix(kBatch, 5));
}

TEST_CASE("images of another size than the graph's are one clear error") {
  const GraphNetwork network(mixed_graph());
  const auto backend = make_cpu_backend({.threads = 1});
  Pass pass(*backend, network.layout, Mode::train);
  const Tensor other = make_tensor(pass.arena, Shape::image(kBatch, kSize, kSize - 2, 3));
  CHECK(error_of(ErrorCode::run_failed, [&] { network(pass.context, other); }) ==
        "a network for images of 8x8x3 was given 8x6x3");
  for (const std::uint8_t sampled : pass.parameters.ever_sampled()) CHECK(sampled == 0);
}

}  // namespace rlnas::test
