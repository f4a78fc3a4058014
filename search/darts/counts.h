// What a DARTS architecture costs and how its paths run: FLOPs and parameters of the stand-alone network,
// path multiplicities and the length of the angle vector. All but the multiplicities add up over the choices,
// so each is a table made once per network. Source: method.md 7.3, 7.4, 9.1, appendix C.
#pragma once

#include <array>
#include <cstdint>

#include "search/darts/cell.h"
#include "search/darts/network.h"

namespace rlnas::darts {

template <class T>
using PerChoice =
    std::array<std::array<std::array<T, kOpCount>, kEdgeCount>, kCellKinds>;  // [kind][edge][op]

struct CountTable {
  std::int64_t fixed = 0;             // stem, preprocessing of the cells' inputs, classifier
  PerChoice<std::int64_t> choices{};  // all cells of the kind together
};

// FLOPs of the stand-alone network on one image by the published counter: a multiply-accumulate is one, the
// classifier counts (2 in - 1) out, and nothing else counts. Exact integers (the published sums are FP32).
CountTable flop_table(const NetworkSpec& spec);
// Parameters of the stand-alone network: pools have no batch norm there; no auxiliary head.
CountTable param_table(const NetworkSpec& spec);
// Entries of the published weight vector of a SuperNet, each choice counted for one path.
CountTable angle_length_table(const NetworkSpec& supernet);

// The fixed part and every choice once.
std::int64_t total(const CountTable& table, const Architecture& architecture);
// The fixed part and every choice as often as paths run over its edge.
std::int64_t total_over_paths(const CountTable& table, const Architecture& architecture);

// For each edge, the number of input -> node paths without a none that run over it (30 in a full cell).
using Multiplicity = std::array<std::uint8_t, kEdgeCount>;
const Multiplicity& path_multiplicity(const Cell& cell);

// Number of input -> node paths without a none.
int live_paths(const Cell& cell);

}  // namespace rlnas::darts
