#include "search/export/export_network.h"

#include <algorithm>

#include "kernels/check.h"
#include "ops/graph_facts.h"

namespace rlnas {
namespace {

// Which node's value a node has, by the same facts that the engine's lowering goes by: what it takes for zero
// is zero here too.
class ExportValues {
 public:
  explicit ExportValues(const Graph& graph) : graph_(graph), facts_(graph, options_) {}

  int of(int n) const {
    n = facts_.same(n);
    if (facts_.is_constant(n) || graph_[n].kind != NodeKind::sum) return n;
    const std::vector<int> terms = inputs(n);
    return terms.size() == 1 ? terms.front() : n;
  }
  std::vector<int> inputs(int n) const {
    std::vector<int> values;
    if (is_zeros(n)) return values;
    for (const int input : graph_[n].inputs)
      if (!facts_.is_zero(facts_.same(input))) values.push_back(of(input));
    return values;
  }
  bool is_zeros(int n) const { return facts_.is_constant(n); }

 private:
  const Graph& graph_;
  const ProgramOptions options_{.trains = false};
  const GraphFacts facts_;
};

bool makes_matrix(const Graph& graph, int n) {
  const Node& node = graph[n];
  if (node.kind == NodeKind::global_avg_pool || node.kind == NodeKind::linear) return true;
  return !node.inputs.empty() && node.kind != NodeKind::conv && makes_matrix(graph, node.inputs.front());
}

}  // namespace

std::vector<ExportNode> nodes_that_run(const Graph& graph) {
  RLNAS_CHECK(!graph.outputs().empty(), run_failed, "a network without an output cannot be exported");
  const ExportValues values(graph);
  const int output = values.of(graph.outputs().front().node);
  std::vector<char> runs(std::size_t(graph.size()), 0);
  runs[0] = runs[std::size_t(output)] = 1;
  for (int n = output; n >= 0; --n)
    if (runs[std::size_t(n)] != 0)
      for (const int input : values.inputs(n)) runs[std::size_t(input)] = 1;

  std::vector<ExportNode> nodes;
  std::vector<int> place(std::size_t(graph.size()), -1);
  for (int n = 0; n <= output; ++n) {
    if (runs[std::size_t(n)] == 0) continue;
    ExportNode node{.kind = values.is_zeros(n) ? NodeKind::zeros : graph[n].kind, .node = n};
    for (const int input : values.inputs(n)) node.inputs.push_back(place[std::size_t(input)]);
    node.matrix = makes_matrix(graph, n);
    RLNAS_CHECK(node.kind != NodeKind::linear || nodes[std::size_t(node.inputs.front())].matrix, run_failed,
                graph[n].name, ": a linear layer on an image cannot be exported");
    const bool layer =
        node.kind == NodeKind::conv || node.kind == NodeKind::batch_norm || node.kind == NodeKind::linear;
    node.name =
        layer ? graph[n].name : std::string(kind_word(node.kind)) + "_" + std::to_string(nodes.size());
    place[std::size_t(n)] = int(nodes.size());
    nodes.push_back(std::move(node));
  }
  nodes.front().name = "images";
  return nodes;
}

const NamedTensor& ExportNetwork::tensor(const std::string& name) const {
  const NamedTensor* const found = tensors.find(name);
  RLNAS_CHECK(found != nullptr, run_failed, "the network to export has no tensor ", name);
  return *found;
}

const char* kind_word(NodeKind kind) {
  switch (kind) {
    case NodeKind::input:
      return "input";
    case NodeKind::zeros:
      return "zeros";
    case NodeKind::conv:
      return "conv";
    case NodeKind::batch_norm:
      return "batch_norm";
    case NodeKind::activation:
      return "activation";
    case NodeKind::sum:
      return "sum";
    case NodeKind::weighted_sum:
      return "weighted_sum";
    case NodeKind::concat:
      return "concat";
    case NodeKind::avg_pool:
      return "avg_pool";
    case NodeKind::max_pool:
      return "max_pool";
    case NodeKind::global_avg_pool:
      return "global_avg_pool";
    case NodeKind::subsample:
      return "subsample";
    case NodeKind::slice:
      return "slice";
    case NodeKind::channel_shuffle:
      return "channel_shuffle";
    case NodeKind::linear:
      return "linear";
    case NodeKind::dropout:
      return "dropout";
    case NodeKind::drop_path:
      return "drop_path";
    case NodeKind::boundary:
      return "boundary";
  }
  fail(ErrorCode::run_failed, "a node of an unknown kind");
}

std::vector<std::string> feature_names(const ExportNetwork& network) {
  const ExportValues values(network.graph);
  std::vector<std::string> names(network.nodes.size());
  for (const Graph::Feature& feature : network.graph.features()) {
    const auto found = std::ranges::find(network.nodes, values.of(feature.node), &ExportNode::node);
    if (found == network.nodes.end()) continue;
    std::string& name = names[std::size_t(found - network.nodes.begin())];
    name += (name.empty() ? "" : ", ") + feature.name;
  }
  return names;
}

}  // namespace rlnas
