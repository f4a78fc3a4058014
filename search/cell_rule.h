// Cells whose nodes all have the same number of live edges (CellSpec::edges_per_node): whether an
// architecture keeps to it, how a raw one is made to, how one is drawn. DARTS' are the example, whose
// published repair and whose draws are these with two edges a node. Source: method.md 2.4.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "engine/philox.h"
#include "search/cell_spec.h"
#include "search/genes.h"

namespace rlnas {

// A number of 0..n-1.
using Below = std::function<std::uint32_t(std::uint32_t)>;

// The first node that has another number of live edges; -1: there is none. `ops`: from the first gene of the
// cell on, as in all below.
int node_against_rule(const CellSpec& cell, std::span<const std::int8_t> ops);
int live_edges_of(const CellSpec& cell, std::span<const std::int8_t> ops, int node);

// Nodes with too many live edges lose some, nodes with too few get some, with uniform operations. Of
// independent uniform operations it makes uniform cells. below() is asked only where there is a choice.
void repair_cell(const CellSpec& cell, std::span<std::int8_t> ops, const Below& below);

// Appends the genes of a cell that is uniform over those that keep to the rule.
void draw_cell(const CellSpec& cell, RandomStream& random, Genes& genes);

// Calls visit(node, first edge, edge behind the last) for every node but the inputs.
template <class Visit>
void for_each_node(const CellSpec& cell, const Visit& visit) {
  std::size_t first = 0;
  for (int node = cell.inputs; node < cell.nodes(); ++node) {
    std::size_t last = first;
    while (last < cell.edges.size() && cell.edges[last].target == node) ++last;
    visit(node, first, last);
    first = last;
  }
}

}  // namespace rlnas
