// Makes a raw cell legal as the published code does: nodes with too many inputs lose some, nodes with too few
// get some, with uniform operations. Of independent uniform operations it makes uniform legal cells.
// Source: method.md 2.4 (and 2.2 for NumPy's choice without replacement, whose draws are followed).
#pragma once

#include <array>
#include <cstddef>
#include <utility>

#include "search/darts/cell.h"

namespace rlnas::darts {

// below(n) draws a number of 0..n-1, and is asked only where there is a choice.
template <class Below>
void repair(Cell& cell, Below below) {
  for (int node = kInputCount; node < kAllNodes; ++node) {
    const int wanted_nones = node - 2;
    std::array<int, kAllNodes> none_edges{}, live_edges{};
    int nones = 0, live = 0;
    for (int edge = first_edge(node); edge < first_edge(node) + node; ++edge) {
      if (cell.ops[std::size_t(edge)] == Op::none) {
        none_edges[std::size_t(nones++)] = edge;
      } else {
        live_edges[std::size_t(live++)] = edge;
      }
    }
    if (nones == wanted_nones) continue;
    const bool too_many_nones = nones > wanted_nones;
    std::array<int, kAllNodes>& from = too_many_nones ? none_edges : live_edges;
    for (int i = too_many_nones ? nones : live; i-- > 1;) {
      std::swap(from[std::size_t(i)], from[below(static_cast<unsigned>(i + 1))]);
    }
    const int changes = too_many_nones ? nones - wanted_nones : wanted_nones - nones;
    for (int i = 0; i < changes; ++i) {
      cell.ops[std::size_t(from[std::size_t(i)])] = too_many_nones ? Op(1 + below(kOpCount - 1)) : Op::none;
    }
  }
}

}  // namespace rlnas::darts
