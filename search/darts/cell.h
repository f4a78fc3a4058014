// One DARTS cell, fourteen operations on the edges of a graph of two inputs and four nodes, and the pair of
// cells that makes an architecture. Source: method.md 2.4, 4.1 (Liu, Simonyan and Yang, DARTS, ICLR 2019).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rlnas::darts {

enum class Op : std::uint8_t {
  none,
  max_pool_3x3,
  avg_pool_3x3,
  skip_connect,
  sep_conv_3x3,
  sep_conv_5x5,
  dil_conv_3x3,
  dil_conv_5x5,
};
inline constexpr int kOpCount = 8;
inline constexpr int kInputCount = 2;                       // nodes 0 (the cell before last) and 1 (the last)
inline constexpr int kNodeCount = 4;                        // nodes 2..5: their concatenation is the output
inline constexpr int kAllNodes = kInputCount + kNodeCount;  // inputs included
inline constexpr int kEdgeCount = 14;

struct Edge {
  int target = 0;
  int source = 0;
};
// By target, then by source: (0->2) (1->2) (0->3) (1->3) (2->3) (0..3->4) (0..4->5).
inline constexpr std::array<Edge, kEdgeCount> kEdges{{{2, 0},
                                                      {2, 1},
                                                      {3, 0},
                                                      {3, 1},
                                                      {3, 2},
                                                      {4, 0},
                                                      {4, 1},
                                                      {4, 2},
                                                      {4, 3},
                                                      {5, 0},
                                                      {5, 1},
                                                      {5, 2},
                                                      {5, 3},
                                                      {5, 4}}};
// The edges of node 2..5 are first_edge(node) .. first_edge(node) + node - 1.
constexpr int first_edge(int node) {
  return node * (node - 1) / 2 - 1;
}

enum class CellKind : std::uint8_t { normal, reduce };
inline constexpr int kCellKinds = 2;

struct Cell {
  std::array<Op, kEdgeCount> ops{};  // in edge order

  friend bool operator==(const Cell&, const Cell&) = default;
};

struct Architecture {
  Cell normal;
  Cell reduce;

  friend bool operator==(const Architecture&, const Architecture&) = default;
};

std::string_view op_name(Op op);

}  // namespace rlnas::darts
