#include "search/choice_tables.h"

#include <algorithm>
#include <map>

#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr std::int64_t kPoolEntries = 9;  // of a channel: a 3x3 kernel

AngleSums times(double factor, const AngleSums& sums) {
  return {factor * sums.dot, factor * sums.norm0_sq, factor * sums.norm1_sq};
}

// The entry of what owns a node or a tensor: a choice, or the fixed part.
std::int64_t& count_of(CountTable& table, const std::vector<ChoiceSite>& sites, int cell, int edge, int op) {
  const int gene = edge < 0 ? -1 : gene_of(sites, cell, edge);
  return gene < 0 ? table.fixed : table.choices.at(gene, op);
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

StandAloneCounts stand_alone_counts(const Space& space, NetworkOptions network) {
  network.kind = NetworkKind::stand_alone;
  const std::vector<ChoiceSite> sites = space.choice_sites(network);
  const Graph graph = space.network(network, {});
  const CountTable none{0, PerChoice<std::int64_t>(space)};
  StandAloneCounts counts{none, none, none};
  for (const Node& node : graph.nodes()) {
    const auto add = [&](CountTable& table, std::int64_t count) {
      count_of(table, sites, node.owner.cell, node.owner.edge, node.owner.op) += count;
    };
    const bool linear = node.kind == NodeKind::linear;
    const NodeCost cost = cost_of(node, graph);
    add(counts.macs,
        linear ? space.info().classifier_flops(graph[node.inputs.front()].shape.channels, node.shape.channels)
               : cost.macs);
    add(counts.params, cost.params);
    add(counts.layers, linear || node.kind == NodeKind::conv ? 1 : 0);
  }
  return counts;
}

CountTable length_table(const Space& space, const NetworkOptions& supernet, const SegmentTable& segments) {
  const std::vector<ChoiceSite> sites = space.choice_sites(supernet);
  CountTable table{0, PerChoice<std::int64_t>(space)};
  for (const Segment& segment : segments)
    count_of(table, sites, segment.cell, segment.edge, segment.op) +=
        space.occurrences(segment, Compat::none) * segment.count;
  for_each_constant(space, supernet, [&](const ChoiceSite& site, int op, AngleConstant constant) {
    const std::int64_t channels = site.channels;
    table.choices.at(site.gene, op) +=
        constant == AngleConstant::identity ? channels * channels : kPoolEntries * channels;
  });
  return table;
}

}  // namespace rlnas
