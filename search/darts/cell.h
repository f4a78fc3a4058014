// One cell of the DARTS space: an operation on each of fourteen edges of a six-node graph, and the pair of
// cells that makes an architecture. Source: method.md 4.1 (DARTS, Liu et al., ICLR 2019).
#pragma once

#include <array>
#include <cstdint>

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
inline constexpr int kNodeCount = 6;  // nodes 0 and 1 are the cell's inputs; its output joins the others
inline constexpr int kInputCount = 2;
inline constexpr int kEdgeCount = 14;

struct Edge {
  int target = 0;
  int source = 0;
};
// Edge order everywhere: by target, then by source.
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

struct Cell {
  std::array<Op, kEdgeCount> ops{};  // in edge order

  friend bool operator==(const Cell&, const Cell&) = default;
};

struct Architecture {
  Cell normal, reduce;

  friend bool operator==(const Architecture&, const Architecture&) = default;
};

}  // namespace rlnas::darts
