#include "search/cell_spec.h"

#include <array>

#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr std::size_t kMaxEdges = 20;  // of a table of all sets of edges
using Counts = std::array<int, kMaxEdges + 1>;

// Paths over each edge, and behind the last edge their number in all.
Counts count_paths(const CellSpec& spec, std::size_t live) {
  Counts from_input{}, onwards{}, counts{};  // of nodes; of edges
  for (std::size_t node = 0; node < std::size_t(spec.nodes()); ++node) {
    from_input[node] = int(node) < spec.inputs ? 1 : 0;
    onwards[node] = int(node) >= spec.first_output ? 1 : 0;
  }
  const std::size_t edges = spec.edges.size();
  const auto is_live = [&](std::size_t edge) { return (live >> edge & 1) != 0; };
  for (std::size_t e = 0; e < edges; ++e)  // sorted by target
    if (is_live(e))
      from_input[std::size_t(spec.edges[e].target)] += from_input[std::size_t(spec.edges[e].source)];
  for (std::size_t e = edges; e-- > 0;) {
    if (!is_live(e)) continue;
    const std::size_t source = std::size_t(spec.edges[e].source), target = std::size_t(spec.edges[e].target);
    onwards[source] += onwards[target];
    counts[e] = from_input[source] * onwards[target];
  }
  for (std::size_t node = 0; node < std::size_t(spec.nodes()); ++node)
    if (int(node) >= spec.first_output) counts[edges] += from_input[node];
  return counts;
}

}  // namespace

CellPathTable::CellPathTable(const CellSpec& spec) {
  const std::size_t edges = spec.edges.size();
  RLNAS_CHECK(edges <= kMaxEdges && spec.nodes() <= int(kMaxEdges), run_failed, "a cell of ", edges,
              " edges");
  for (std::size_t e = 0; e < edges; ++e) none_.push_back(spec.of(e).none);
  const std::size_t sets = std::size_t{1} << edges;
  multiplicity_.reserve(sets * edges);
  live_paths_.reserve(sets);
  for (std::size_t live = 0; live < sets; ++live) {
    const Counts counts = count_paths(spec, live);
    for (std::size_t e = 0; e < edges; ++e) multiplicity_.push_back(std::uint8_t(counts[e]));
    live_paths_.push_back(std::uint8_t(counts[edges]));
  }
}

std::size_t CellPathTable::live_edges(std::span<const std::int8_t> ops) const {
  std::size_t live = 0;
  for (std::size_t e = 0; e < none_.size(); ++e) live |= std::size_t(ops[e] != none_[e]) << e;
  return live;
}

std::span<const std::uint8_t> CellPathTable::multiplicity(std::span<const std::int8_t> ops) const {
  return {multiplicity_.data() + live_edges(ops) * none_.size(), none_.size()};
}

int CellPathTable::live_paths(std::span<const std::int8_t> ops) const {
  return live_paths_[live_edges(ops)];
}

std::string drawing_of(const CellSpec& spec, std::span<const std::int8_t> ops) {
  std::string text = spec.heading;
  std::size_t edge = 0;
  for (int node = spec.inputs; node < spec.nodes(); ++node) {
    std::string terms;
    for (; edge < spec.edges.size() && spec.edges[edge].target == node; ++edge) {
      if (ops[edge] == spec.of(edge).none) continue;
      terms += (terms.empty()          ? ""
                : spec.joins_by_concat ? ", "
                                       : " + ") +
               std::string(spec.of(edge).ops[std::size_t(ops[edge])]) + '(' +
               spec.node_names[std::size_t(spec.edges[edge].source)] + ')';
    }
    text +=
        "  " + std::string(spec.node_names[std::size_t(node)]) + " = " + (terms.empty() ? "0" : terms) + '\n';
  }
  return text + spec.output_line;
}

}  // namespace rlnas
