#include "search/choice_tables.h"

#include <algorithm>
#include <map>

#include "kernels/check.h"
#include "ops/network_layout.h"

namespace rlnas {
namespace {

constexpr std::int64_t kPoolEntries = 9;  // of a channel: a 3x3 kernel

AngleSums times(double factor, const AngleSums& sums) {
  return {factor * sums.dot, factor * sums.norm0_sq, factor * sums.norm1_sq};
}

// Sums of(node) over a graph of all candidates.
template <class Of>
CountTable count_nodes(const Space& space, NetworkOptions network, NetworkKind kind, const Of& of) {
  network.kind = kind;
  const std::vector<ChoiceSite> sites = space.choice_sites(network);
  const Graph graph = space.network(network, {});
  CountTable table{0, PerChoice<std::int64_t>(space)};
  for (const Node& node : graph.nodes()) {
    const Owner& owner = node.owner;
    const int gene = owner.edge < 0 ? -1 : gene_of(sites, owner.cell, owner.edge);
    (gene < 0 ? table.fixed : table.choices.at(gene, owner.op)) += of(node, graph);
  }
  return table;
}

// Calls add(gene, op, site, constant) for every operation that stands in the vector without having weights.
template <class Add>
void for_each_constant(const Space& space, const NetworkOptions& supernet, const Add& add) {
  for (const ChoiceSite& site : space.choice_sites(supernet))
    for (int op = 0; op < space.choices(site.gene); ++op) {
      const AngleConstant constant = space.constant_of(op, site);
      if (constant != AngleConstant::none) add(site, op, constant);
    }
}

}  // namespace

AngleTable make_angle_table(const Space& space, const NetworkOptions& supernet, const SegmentTable& segments,
                            const std::vector<AngleSums>& sums, Compat compat) {
  check_sums(segments, sums);
  const std::vector<ChoiceSite> sites = space.choice_sites(supernet);
  AngleTable table{{}, PerChoice<ChoiceSums>(space)};
  std::map<int, PerChoice<AngleSums>> cells;  // kept apart for their operations' own angles
  for (int i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    const AngleSums part = times(space.occurrences(segment, compat), sums[std::size_t(i)]);
    if (segment.edge < 0) {
      table.fixed += part;
      continue;
    }
    const int gene = gene_of(sites, segment.cell, segment.edge);
    RLNAS_CHECK(gene >= 0 && segment.op >= 0 && segment.op < space.choices(gene), run_failed, "tensor ",
                segment.name, " is in cell ", segment.cell, " on edge ", segment.edge, ", op ", segment.op,
                ": not in this space");
    cells.try_emplace(segment.cell, space).first->second.at(gene, segment.op) += part;
  }
  for (const auto& [index, cell] : cells)
    for (int gene = 0; gene < space.gene_count(); ++gene)
      for (int op = 0; op < space.choices(gene); ++op) {
        const AngleSums& own = cell.at(gene, op);
        if (own.norm0_sq == 0.0 && own.norm1_sq == 0.0) continue;  // no tensors in this cell
        ChoiceSums& choice = table.choices.at(gene, op);
        choice.weights += own;
        choice.op_angle_rad += angle_rad(own);
      }
  for_each_constant(space, supernet, [&](const ChoiceSite& site, int op, AngleConstant constant) {
    // C x 3 x 3 entries of 1/9 add C/9 to each sum, a C x C identity C.
    table.choices.at(site.gene, op).ninths += (constant == AngleConstant::identity ? 9 : 1) * site.channels;
  });
  return table;
}

CountTable macs_table(const Space& space, NetworkOptions network) {
  return count_nodes(space, network, NetworkKind::stand_alone, [&](const Node& node, const Graph& graph) {
    if (node.kind != NodeKind::linear) return cost_of(node, graph).macs;
    return space.info().classifier_flops(graph[node.inputs.front()].shape.channels, node.shape.channels);
  });
}

CountTable params_table(const Space& space, NetworkOptions network) {
  return count_nodes(space, network, NetworkKind::stand_alone,
                     [](const Node& node, const Graph& graph) { return cost_of(node, graph).params; });
}

CountTable layers_table(const Space& space, NetworkOptions network) {
  return count_nodes(space, network, NetworkKind::stand_alone, [](const Node& node, const Graph&) {
    return node.kind == NodeKind::conv || node.kind == NodeKind::linear ? 1 : 0;
  });
}

CountTable length_table(const Space& space, NetworkOptions supernet) {
  supernet.kind = NetworkKind::supernet;
  const std::vector<ChoiceSite> sites = space.choice_sites(supernet);
  CountTable table{0, PerChoice<std::int64_t>(space)};
  const NetworkLayout layout(space.network(supernet, {}), Initializer::pytorch);
  for (const Segment& segment : layout.tensors().parameters()) {
    const int gene = segment.edge < 0 ? -1 : gene_of(sites, segment.cell, segment.edge);
    (gene < 0 ? table.fixed : table.choices.at(gene, segment.op)) +=
        space.occurrences(segment, Compat::none) * segment.count;
  }
  for_each_constant(space, supernet, [&](const ChoiceSite& site, int op, AngleConstant constant) {
    const std::int64_t channels = site.channels;
    table.choices.at(site.gene, op) +=
        constant == AngleConstant::identity ? channels * channels : kPoolEntries * channels;
  });
  return table;
}

}  // namespace rlnas
