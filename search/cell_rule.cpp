#include "search/cell_rule.h"

#include <utility>
#include <vector>

namespace rlnas {
namespace {

// Any operation of an edge but none.
template <class Draw>
std::int8_t draw_live(const EdgeChoices& choices, const Draw& below) {
  const int live = int(choices.ops.size()) - 1;
  const int op = int(below(std::uint32_t(live)));
  return std::int8_t(op + (op >= choices.none ? 1 : 0));
}

}  // namespace

int live_edges_of(const CellSpec& cell, std::span<const std::int8_t> ops, int node) {
  int live = 0;
  for (std::size_t e = 0; e < cell.edges.size(); ++e)
    live += cell.edges[e].target == node && ops[e] != cell.of(e).none ? 1 : 0;
  return live;
}

int node_against_rule(const CellSpec& cell, std::span<const std::int8_t> ops) {
  if (cell.edges_per_node == 0) return -1;
  std::size_t e = 0;
  for (int node = cell.inputs; node < cell.nodes(); ++node) {
    int live = 0;
    for (; e < cell.edges.size() && cell.edges[e].target == node; ++e)
      live += ops[e] != cell.of(e).none ? 1 : 0;
    if (live != cell.edges_per_node) return node;
  }
  return -1;
}

// The published code's draws (method.md 2.2: NumPy's choice without replacement).
void repair_cell(const CellSpec& cell, std::span<std::int8_t> ops, const Below& below) {
  if (cell.edges_per_node == 0) return;
  const auto asked = [&](std::uint32_t n) { return n > 1 ? below(n) : 0; };
  for_each_node(cell, [&](int, std::size_t first, std::size_t last) {
    int missing = cell.edges_per_node;
    for (std::size_t e = first; e < last; ++e) missing -= ops[e] != cell.of(e).none ? 1 : 0;
    if (missing == 0) return;
    std::vector<std::size_t> from;  // what may change
    for (std::size_t e = first; e < last; ++e)
      if ((ops[e] == cell.of(e).none) == (missing > 0)) from.push_back(e);
    for (std::size_t i = from.size(); i-- > 1;) std::swap(from[i], from[asked(std::uint32_t(i + 1))]);
    for (int i = 0; i < std::abs(missing); ++i) {
      const std::size_t edge = from[std::size_t(i)];
      ops[edge] = missing > 0 ? draw_live(cell.of(edge), asked) : std::int8_t(cell.of(edge).none);
    }
  });
}

void draw_cell(const CellSpec& cell, RandomStream& random, Genes& genes) {
  const std::size_t begin = genes.size();
  for (std::size_t e = 0; e < cell.edges.size(); ++e) genes.push_back(std::int8_t(cell.of(e).none));
  const auto below = [&](std::uint32_t n) { return random.below(n); };
  for_each_node(cell, [&](int, std::size_t first, std::size_t last) {
    std::vector<std::size_t> edges, chosen;  // still to be had; in the order of drawing
    for (std::size_t e = first; e < last; ++e) edges.push_back(e);
    for (int i = 0; i < cell.edges_per_node; ++i) {
      const auto at = edges.begin() + std::ptrdiff_t(random.below(std::uint32_t(edges.size())));
      chosen.push_back(*at);
      edges.erase(at);
    }
    for (const std::size_t e : chosen) genes[begin + e] = draw_live(cell.of(e), below);
  });
}

}  // namespace rlnas
