// Graphs: shapes, costs and tensors; and which calls they become.
#include "ops/graph.h"

#include <doctest/doctest.h>

#include <map>

#include "tests/ops/graph_layers.h"
#include "tests/support/errors.h"
#include "tests/support/network_graph.h"

namespace rlnas::test {
namespace {

// The calls of a program in words, of a sum with its terms and what it gives.
std::string listing(const Program& program) {
  using Kind = Program::Call::Kind;
  using Term = Program::Call::Term::Kind;
  const std::map<Kind, std::string> words{
      {Kind::begin_stage, "stage"}, {Kind::begin_unit, "unit"},      {Kind::zeros, "zeros"},
      {Kind::conv, "conv"},         {Kind::conv_norm, "conv_norm"},  {Kind::normalise, "normalise"},
      {Kind::sum, "sum"},           {Kind::concat, "concat"},        {Kind::avg_pool, "avg_pool"},
      {Kind::max_pool, "max_pool"}, {Kind::global_avg_pool, "mean"}, {Kind::subsample, "subsample"},
      {Kind::linear, "linear"},     {Kind::dropout, "dropout"},      {Kind::drop_path, "drop_path"}};
  std::string text;
  for (const Program::Call& call : program.calls()) {
    text += (text.empty() ? "" : " ") + words.at(call.kind);
    if (call.terms.empty()) continue;
    std::string terms;
    for (const auto& term : call.terms)
      terms += term.kind == Term::normalised ? 'n' : term.kind == Term::averaged ? 'a' : 'x';
    text += "(" + terms + ")";
    if (call.kind == Kind::sum)
      text += call.want == SumOutput::both ? "both" : call.want == SumOutput::sum ? "sum" : "activated";
  }
  return text;
}

std::string listing(const Graph& graph, const ProgramOptions& options = {}) {
  return listing(GraphNetwork(graph, options).program);
}

// A 1x1 convolution of the activated x, and its norm.
int add_edge(Graph& graph, int x, const std::string& name, Affine affine = Affine::no) {
  const int conv = graph.conv(graph.relu(x), name, {.out_channels = 8});
  return graph.batch_norm(conv, name + "_norm", affine);
}

// Around what `add` makes of the stem's output.
template <class Add>
Graph around(const Add& add) {
  Graph graph;
  add_classifier(graph, add(graph, add_stem(graph, 8, 8)));
  return graph;
}

constexpr const char* kStem = "conv_norm sum(n)";

std::string framed(const std::string& wanted_of_stem, const std::string& calls) {
  return kStem + wanted_of_stem + (calls.empty() ? "" : " ") + calls + " mean linear";
}

}  // namespace

TEST_CASE("shapes and costs of a graph made by hand") {
  Graph g;
  const int x = g.input({3, 9, 7});
  const int a = g.conv(x, "a", {.out_channels = 8, .kernel = 3, .stride = 2, .padding = 1});
  const int b = g.batch_norm(a, "b");
  const int c = g.conv(b, "c", {.out_channels = 8, .kernel = 3, .padding = 2, .dilation = 2, .groups = 8});
  const int d = g.concat({b, c});
  const int even = g.subsample(d, 0), odd = g.subsample(d, 1);
  const int e = g.max_pool(d, {.kernel = 3, .stride = 2, .padding = 1});
  const int f = g.sum({even, e});
  const int mean = g.global_avg_pool(f), logits = g.linear(mean, "logits", 10);
  const int plain = g.batch_norm(f, "plain", Affine::no);
  CHECK(g[x].shape == FeatureShape{3, 9, 7});
  CHECK(g[a].shape == FeatureShape{8, 5, 4});
  CHECK(g[b].shape == g[a].shape);
  CHECK(g[c].shape == g[a].shape);
  CHECK(g[c].conv.in_channels == 8);
  CHECK(g[d].shape == FeatureShape{16, 5, 4});
  CHECK(g[even].shape == FeatureShape{16, 3, 2});
  CHECK(g[odd].shape == FeatureShape{16, 2, 2});
  CHECK(g[e].shape == FeatureShape{16, 3, 2});
  CHECK(g[mean].shape == FeatureShape{16, 1, 1});
  CHECK(g[logits].shape == FeatureShape{10, 1, 1});

  const auto cost = [&](int node) {
    const NodeCost of = cost_of(g[node], g);
    return std::pair(of.macs, of.params);
  };
  using Cost = std::pair<std::int64_t, std::int64_t>;
  CHECK(cost(a) == Cost(5 * 4 * 8 * 3 * 9, 8 * 3 * 9));
  CHECK(cost(b) == Cost(0, 2 * 8));
  CHECK(cost(plain) == Cost(0, 0));
  CHECK(cost(c) == Cost(5 * 4 * 8 * 9, 8 * 9));
  CHECK(cost(logits) == Cost(160, 170));
  for (const int free : {x, d, even, e, f, mean}) CHECK(cost(free) == Cost(0, 0));
}

TEST_CASE("inputs that do not fit together are refused") {
  Graph g;
  const int x = g.input({4, 4, 4}), half = g.subsample(x, 0), wide = g.concat({x, x});
  const auto run_failed = [](const auto& action) { return error_of(ErrorCode::run_failed, action); };
  CHECK(contains(run_failed([&] { g.sum({x, half}); }), "different shapes"));
  CHECK(contains(run_failed([&] { g.sum({x, wide}); }), "different shapes"));
  CHECK(contains(run_failed([&] { g.concat({x, half}); }), "different sizes"));
  CHECK(contains(run_failed([&] { g.conv(x, "c", {.out_channels = 4, .groups = 3}); }),
                 "c: a convolution of 4 channels in 3 groups"));
  CHECK(contains(error_of(ErrorCode::usage, [&] { g.conv(x, "c", {.out_channels = 4, .kernel = 5}); }),
                 "c: an image of 4x4 is too small for its filter; choose a larger --image-size"));
}

TEST_CASE("a layout has the tensors in the order of the graph, and knows where each unit begins") {
  Graph g;
  const int x = add_stem(g, 8, 8);
  g.begin_unit();
  g.set_owner({2, 3, 1});
  const int a = add_edge(g, x, "a");
  g.set_owner({});
  g.begin_unit();  // without weights
  const int b = g.max_pool(a, {});
  g.begin_unit();
  add_classifier(g, b);
  const NetworkLayout layout(g, Initializer::pytorch);
  std::vector<std::string> names;
  for (const Segment& s : layout.tensors().parameters()) names.push_back(s.name);
  CHECK(names == std::vector<std::string>{"stem.weight", "stem_norm.weight", "stem_norm.bias", "a.weight",
                                          "classifier.weight", "classifier.bias"});
  CHECK(layout.tensors().statistics().size() == 4);
  const Segment& owned = layout.tensors().parameters()[layout.conv("a").weight];
  CHECK(std::array{owned.cell, owned.edge, owned.op} == std::array{2, 3, 1});
  CHECK(layout.first_segment(0) == layout.conv("a").weight);
  CHECK(layout.first_segment(1) == -1);
  CHECK(layout.first_segment(2) == layout.linear("classifier").weight);

  CHECK(contains(error_of(ErrorCode::run_failed, [&] { (void)layout.conv("b"); }), "no layer b"));
  add_edge(g, x, "a");
  CHECK(contains(error_of(ErrorCode::run_failed, [&] { NetworkLayout(g, Initializer::pytorch); }),
                 "two layers are called a"));
}

TEST_CASE("a convolution, its norm, the sum it goes to and the activation behind that are two calls") {
  CHECK(listing(around([](Graph& g, int x) {
          return g.relu(g.sum({add_edge(g, x, "a"), g.avg_pool(x, {}), x}));
        })) == framed("both", "conv_norm sum(nax)activated"));
}

TEST_CASE("a norm or an average that somebody else reads too is written to memory") {
  CHECK(listing(around([](Graph& g, int x) {
          const int norm = add_edge(g, x, "a"), average = g.avg_pool(x, {});
          return g.concat({g.sum({norm, average, x}), norm, average});
        })) == framed("both", "conv_norm sum(n)sum avg_pool sum(xxx)sum concat"));
}

TEST_CASE("a norm of something else than one reader's convolution runs by itself") {
  CHECK(listing(around([](Graph& g, int x) {
          const int conv = g.conv(x, "a", {.out_channels = 8});
          return g.sum({g.batch_norm(conv, "a_norm"), g.batch_norm(g.max_pool(x, {}), "pool_norm"), conv});
        })) == framed("sum", "conv normalise max_pool normalise sum(nnx)sum"));
}

TEST_CASE("a lone skip is another name of its source") {
  Graph graph = around([](Graph& g, int x) { return g.sum({g.sum({g.boundary(x)})}); });
  CHECK(listing(graph) == framed("sum", ""));
  // Its activation is that of the source, made once.
  CHECK(listing(around([](Graph& g, int x) {
          const int skip = g.sum({x});
          return g.sum({add_edge(g, x, "a"), add_edge(g, skip, "b"), skip});
        })) == framed("both", "conv_norm conv_norm sum(nnx)sum"));
}

TEST_CASE("an activation behind a concatenation is left to its parts") {
  const auto joined = [](Graph& g, int x, bool reads_sums) {
    const int a = g.sum({add_edge(g, x, "a"), x}), b = g.sum({add_edge(g, x, "b")});
    const int both = g.concat({a, b}), active = g.relu(both);
    const int y = g.conv(active, "c", {.out_channels = 16});
    return reads_sums ? g.sum({y, both}) : y;
  };
  CHECK(listing(around([&](Graph& g, int x) { return joined(g, x, false); })) ==
        framed("both", "conv_norm sum(nx)activated conv_norm sum(n)activated concat conv"));
  // Not where the sums are wanted side by side as well.
  CHECK(listing(around([&](Graph& g, int x) { return joined(g, x, true); })) ==
        framed("both", "conv_norm sum(nx)sum conv_norm sum(n)sum concat sum(x)activated conv sum(xx)sum"));
}

TEST_CASE("in an expand - depthwise - project chain each norm is left to the next convolution") {
  CHECK(listing(around([](Graph& g, int x) { return add_inverted_residual(g, x, "a"); })) ==
        framed("sum", "conv_norm conv_norm(n) conv_norm(n) sum(nx)sum"));
}

TEST_CASE("zeros are followed: what is nothing or leads nowhere does not run") {
  CHECK(listing(around([](Graph& g, int x) {
          const int none = g.zeros(g[x].shape);
          const int pooled = g.max_pool(none, {});
          const int behind = add_edge(g, g.sum({none, pooled}), "behind");
          add_edge(g, x, "nowhere");
          return g.sum({add_edge(g, x, "live"), behind, g.drop_path(behind, "drop")});
        })) == framed("activated", "conv_norm sum(n)sum"));
  // A node that nothing reaches is zeros in memory where somebody has to read it.
  CHECK(listing(around([](Graph& g, int x) {
          return g.concat({x, g.zeros(g[x].shape)});
        })) == framed("sum", "zeros concat"));
  // What is nothing is its own activation.
  CHECK(listing(around([](Graph& g, int x) {
          return g.conv(g.relu(g.boundary(g.sum({g.zeros(g[x].shape)}))), "c", {.out_channels = 8});
        })) == "zeros conv mean linear");
}

TEST_CASE("zeros are data for an affine norm, and behind a boundary") {
  CHECK(listing(around([](Graph& g, int x) {
          return g.sum({x, add_edge(g, g.zeros(g[x].shape), "shift", Affine::yes)});
        })) == framed("sum", "zeros conv_norm sum(xn)sum"));
  CHECK(listing(around([](Graph& g, int x) {
          const int cell = g.boundary(g.sum({g.zeros(g[x].shape)}));
          return g.sum({x, add_edge(g, cell, "next")});
        })) == framed("sum", "zeros conv_norm sum(xn)sum"));
}

TEST_CASE("what is in front of a boundary runs, read or not: its norms see the batch") {
  CHECK(listing(around([](Graph& g, int x) {
          const int cell = g.boundary(g.sum({add_edge(g, g.boundary(x), "a")}));
          add_edge(g, cell, "nowhere");
          return g.boundary(g.sum({g.zeros(g[x].shape)}));
        })) == framed("activated", "conv_norm sum(n)sum zeros"));
}

TEST_CASE("drops and outputs beside the first are there for training") {
  const Graph graph = around([](Graph& g, int x) {
    const int edge = g.drop_path(add_edge(g, x, "a"), "edge");
    const int y = g.relu(g.sum({edge, g.drop_path(g.avg_pool(x, {}), "average")}));
    return g.dropout(y, "values");
  });
  CHECK(listing(graph) == framed("both", "conv_norm sum(na)activated"));
  CHECK(listing(graph, {.drops_paths = true}) ==
        framed("both", "conv_norm sum(n)sum drop_path sum(a)sum drop_path sum(xx)activated"));
  CHECK(listing(graph, {.drops_values = true}) == framed("both", "conv_norm sum(na)activated dropout"));

  Graph two = graph;
  two.add_output(two.linear(two.global_avg_pool(3), "beside", 5), 0.4f);
  CHECK(listing(two, {.trains = false}) == listing(graph));
  CHECK(contains(listing(two), " linear mean linear"));
}

TEST_CASE("equal activations are made once, different ones of one value are refused") {
  CHECK(listing(around([](Graph& g, int x) {
          return g.sum({g.relu(x), g.conv(g.relu(x), "c", {.out_channels = 8})});
        })) == framed("activated", "conv sum(xx)sum"));
  const Graph graph = around([](Graph& g, int x) {
    return g.sum({g.relu(x), g.activation(x, Activation::relu6)});
  });
  CHECK(contains(error_of(ErrorCode::run_failed, [&] { GraphNetwork{graph}; }), "two kinds of activation"));
}

TEST_CASE("all stages begin in turn, and all units that have tensors, also those that do not run") {
  Graph g;
  g.input({3, 8, 8});
  g.begin_stage("stem");
  int x = g.sum({g.batch_norm(g.conv(0, "stem", {.out_channels = 8}), "stem_norm")});
  g.begin_stage("cell");
  g.begin_unit();
  const int dead = add_edge(g, x, "dead");
  g.begin_unit();
  x = g.sum({add_edge(g, x, "a"), x});
  g.begin_stage("nothing");
  g.begin_unit();
  x = g.sum({x});
  g.begin_stage("head");
  g.begin_unit();
  add_classifier(g, x);
  CHECK(dead > 0);
  CHECK(listing(g) ==
        "stage conv_norm sum(n)both stage unit unit conv_norm sum(nx)sum stage stage unit mean linear");
}

}  // namespace rlnas::test
