#include "search/darts/mixed_cell.h"

#include <algorithm>
#include <array>

#include "kernels/check.h"

namespace rlnas::darts {
namespace {

constexpr Pool kHalving{.kernel = 2, .stride = 2, .padding = 0};

// Places in the flat buffer of mixture_spec().
constexpr int alpha(CellKind kind, int edge, Op op) {
  return (int(kind) * kEdgeCount + edge) * kOpCount + int(op);
}
constexpr int beta(CellKind kind, int edge) {
  constexpr int kRow = (kEdgeCount + int(SegmentTable::kAlignment) - 1) / int(SegmentTable::kAlignment) *
                       int(SegmentTable::kAlignment);
  return kCellKinds * kEdgeCount * kOpCount + int(kind) * kRow + edge;
}

// A node of the cell as its readers want it; each part is made once.
struct Source {
  int whole = -1;
  int mixed = -1;   // the channels that the candidates see
  int passed = -1;  // the others
  int halved = -1;  // these, of half the size
};

class MixedNodes {
 public:
  MixedNodes(Graph& graph, CellKind kind, int share, const AddOperation& add_op)
      : graph_(graph), kind_(kind), share_(share), add_op_(add_op) {}

  void add_source(int node) {
    const int channels = graph_[node].shape.channels;
    RLNAS_CHECK(channels % share_ == 0, usage, "--channels: ", channels, " channels of a cell are not ",
                share_, " equal parts, of which the search mixes one");
    Source source{.whole = node, .mixed = node};
    if (share_ > 1) {
      source.mixed = graph_.slice(node, 0, channels / share_);
      source.passed = graph_.slice(node, channels / share_, channels - channels / share_);
    }
    sources_.push_back(source);
  }

  int node(int index) {
    std::vector<int> mixed, passed;
    const int first = first_edge(index);
    for (int source = 0; source < index; ++source) {
      mixed.push_back(mixed_edge(first + source, sources_[std::size_t(source)]));
      if (share_ > 1) passed.push_back(passed_by(first + source, sources_[std::size_t(source)]));
    }
    if (share_ == 1) return graph_.sum(std::move(mixed));
    const int weight = beta(kind_, first);
    const int parts = graph_.concat(
        {graph_.weighted_sum(std::move(mixed), weight), graph_.weighted_sum(std::move(passed), weight)});
    return graph_.channel_shuffle(parts, share_);
  }

 private:
  // What `none` adds is zero; its weight takes away from the others'.
  int mixed_edge(int edge, const Source& source) {
    constexpr Op kFirst = Op(1);
    std::vector<int> terms;
    for (int op = int(kFirst); op < kOpCount; ++op) terms.push_back(add_op_(edge, Op(op), source.mixed));
    return graph_.weighted_sum(std::move(terms), alpha(kind_, edge, kFirst));
  }
  int passed_by(int edge, Source& source) {
    if (!halves_input(kind_, edge)) return source.passed;
    if (source.halved < 0) source.halved = graph_.max_pool(source.passed, kHalving);
    return source.halved;
  }

  Graph& graph_;
  CellKind kind_;
  int share_;
  const AddOperation& add_op_;
  std::vector<Source> sources_;
};

}  // namespace

std::vector<int> add_mixed_nodes(Graph& graph, CellKind kind, int share, std::vector<int> nodes,
                                 const AddOperation& add_op) {
  MixedNodes mixed(graph, kind, share, add_op);
  for (const int node : nodes) mixed.add_source(node);
  for (int index = kInputCount; index < kAllNodes; ++index) {
    nodes.push_back(mixed.node(index));
    if (index + 1 < kAllNodes) mixed.add_source(nodes.back());
  }
  return nodes;
}

MixtureSpec mixture_spec(int share) {
  MixtureSpec spec;
  constexpr std::array kKinds{CellKind::normal, CellKind::reduce};
  for (const char* const name : {"alphas_normal", "alphas_reduce"})
    spec.logits.add(name, {kEdgeCount, kOpCount});
  for (const CellKind kind : kKinds)
    for (int edge = 0; edge < kEdgeCount; ++edge)
      spec.groups.push_back({alpha(kind, edge, Op::none), kOpCount});
  spec.alphas = beta(CellKind::normal, 0);
  if (share == 1) return spec;
  for (const char* const name : {"betas_normal", "betas_reduce"}) spec.logits.add(name, {kEdgeCount});
  for (const CellKind kind : kKinds)
    for (int node = kInputCount; node < kAllNodes; ++node)
      spec.groups.push_back({beta(kind, first_edge(node)), node});
  return spec;
}

Architecture largest_weights(int share, std::span<const float> weights) {
  constexpr int kInputsPerNode = 2;
  const auto cell_of = [&](CellKind kind) {
    const auto best_op = [&](int edge) {
      Op best = Op(1);
      for (int op = 2; op < kOpCount; ++op)
        if (weights[std::size_t(alpha(kind, edge, Op(op)))] > weights[std::size_t(alpha(kind, edge, best))])
          best = Op(op);
      return best;
    };
    const auto score = [&](int edge) {
      const float largest = weights[std::size_t(alpha(kind, edge, best_op(edge)))];
      return share > 1 ? largest * weights[std::size_t(beta(kind, edge))] : largest;
    };
    Cell cell;
    for (int node = kInputCount; node < kAllNodes; ++node) {
      std::vector<int> edges;
      for (int source = 0; source < node; ++source) edges.push_back(first_edge(node) + source);
      std::ranges::stable_sort(edges, [&](int a, int b) { return score(a) > score(b); });
      for (int i = 0; i < kInputsPerNode; ++i)
        cell.ops[std::size_t(edges[std::size_t(i)])] = best_op(edges[std::size_t(i)]);
    }
    return cell;
  };
  return {cell_of(CellKind::normal), cell_of(CellKind::reduce)};
}

}  // namespace rlnas::darts
