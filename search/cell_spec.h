// A searchable cell as data: nodes in a row, edges that each hold one of the candidate operations, and how
// nodes join. What only depends on that is here for all spaces of cells: building one, its paths, its
// drawing. Source: method.md 7.3.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "ops/graph.h"
#include "search/genes.h"

namespace rlnas {

struct CellEdge {
  int target = 0;
  int source = 0;
};

// The candidates of an edge; a gene is an index into these.
struct EdgeChoices {
  std::vector<const char*> ops = {};
  int none = -1;      // the one that is no edge; -1: there is none
  int identity = -1;  // that hands its source on everywhere in the network; -1: there is none
};

struct CellSpec {
  const char* name = "";             // "normal"; empty where there is one kind of cell
  const char* heading = "";          // of its drawing; empty: none
  std::vector<CellEdge> edges = {};  // a gene each; by target, then by source
  std::vector<EdgeChoices> choices = std::vector<EdgeChoices>(1);  // of each edge; a single one: of all
  int inputs = 1;                            // nodes 0 .. inputs-1 are what the cell is given
  int first_output = 0;                      // the last nodes, from this one on, are the cell's output
  std::vector<const char*> node_names = {};  // of a drawing
  const char* output_line = "";              // likewise, behind the nodes
  int edges_per_node = 0;                    // that are not none, in every node; 0: any number
  bool joins_by_concat = false;              // a node is made of its edges side by side; else of their sum

  int nodes() const { return int(node_names.size()); }
  const EdgeChoices& of(std::size_t edge) const { return choices.size() == 1 ? choices[0] : choices[edge]; }
};

// How often paths from the inputs to the output run over each edge of a cell.
struct CellPaths {
  struct Edge {
    int target = 0;
    int source = 0;
    int paths = 0;
  };
  std::string cell;  // CellSpec::name
  int live = 0;      // paths in all
  std::vector<Edge> edges;
};

// The paths of every set of live edges, made once: scoring asks millions of times a second.
class CellPathTable {
 public:
  explicit CellPathTable(const CellSpec& spec);

  // Paths over each edge, for the genes of this cell. Shapes: [edges].
  std::span<const std::uint8_t> multiplicity(std::span<const std::int8_t> ops) const;
  int live_paths(std::span<const std::int8_t> ops) const;

 private:
  std::size_t live_edges(std::span<const std::int8_t> ops) const;

  std::vector<int> none_;                   // of each edge
  std::vector<std::uint8_t> multiplicity_;  // [set of live edges][edge]
  std::vector<std::uint8_t> live_paths_;    // [set of live edges]
};

// Lines "  node 2 = op(node 0) + op(node 1)".
std::string drawing_of(const CellSpec& spec, std::span<const std::int8_t> ops);

inline int sum_or_zeros(Graph& graph, std::vector<int> terms, FeatureShape shape) {
  return terms.empty() ? graph.zeros(shape) : graph.sum(std::move(terms));
}

// Adds a cell to the graph and returns its nodes, inputs first. add_op(edge, op, source) adds an operation of
// an edge and returns its node, or `source` for one that passes it on. `ops`: the genes of this cell; empty:
// all candidates but none, side by side. join(node, edges) makes a node of the terms of each of its edges,
// and returns it.
template <class AddOp, class Join>
std::vector<int> add_cell(const CellSpec& spec, std::vector<int> nodes, std::span<const std::int8_t> ops,
                          const AddOp& add_op, const Join& join) {
  std::size_t edge = 0;
  while (int(nodes.size()) < spec.nodes()) {
    const int node = int(nodes.size());
    std::vector<std::vector<int>> edges;
    for (; edge < spec.edges.size() && spec.edges[edge].target == node; ++edge) {
      std::vector<int>& terms = edges.emplace_back();
      for (int op = 0; op < int(spec.of(edge).ops.size()); ++op)
        if (op != spec.of(edge).none && (ops.empty() || ops[edge] == op))
          terms.push_back(add_op(int(edge), op, nodes[std::size_t(spec.edges[edge].source)]));
    }
    nodes.push_back(join(node, std::move(edges)));
  }
  return nodes;
}

// The same with nodes that are the sum of their edges; one that no edge leads to is zeros.
template <class AddOp>
std::vector<int> add_cell(Graph& graph, const CellSpec& spec, std::vector<int> nodes, FeatureShape node_shape,
                          std::span<const std::int8_t> ops, const AddOp& add_op) {
  return add_cell(spec, std::move(nodes), ops, add_op, [&](int, const std::vector<std::vector<int>>& edges) {
    std::vector<int> terms;
    for (const std::vector<int>& edge : edges) terms.insert(terms.end(), edge.begin(), edge.end());
    return sum_or_zeros(graph, std::move(terms), node_shape);
  });
}

}  // namespace rlnas
