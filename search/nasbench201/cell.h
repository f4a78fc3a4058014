// One NAS-Bench-201 cell: six operations, one per edge of a four-node graph, and its three names: the
// architecture string, the enumeration index and the benchmark index.
// Source: method.md 16.1-16.3 (NAS-Bench-201, Dong and Yang, ICLR 2020).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace rlnas::nasbench201 {

enum class Op : std::uint8_t { none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3 };
inline constexpr int kOpCount = 5;
inline constexpr int kNodeCount = 4;  // node 0 is the cell's input, node 3 its output
inline constexpr int kEdgeCount = 6;
inline constexpr int kSpaceSize = 15625;  // kOpCount ^ kEdgeCount

struct Edge {
  int target = 0;
  int source = 0;
};
// Edge order everywhere: 1<-0, 2<-0, 2<-1, 3<-0, 3<-1, 3<-2.
inline constexpr std::array<Edge, kEdgeCount> kEdges{{{1, 0}, {2, 0}, {2, 1}, {3, 0}, {3, 1}, {3, 2}}};

struct Cell {
  std::array<Op, kEdgeCount> ops{};  // in edge order

  friend bool operator==(const Cell&, const Cell&) = default;
};

std::string_view op_name(Op op);

// "|op~0|+|op~0|op~1|+|op~0|op~1|op~2|".
std::string to_string(const Cell& cell);

// Reads an architecture string. Errors: usage, saying at which character and what was expected there.
Cell parse_arch_string(std::string_view text);

// Reads any accepted name of a cell: an architecture string, `N` or `#N` (benchmark index), `enum:N`
// (enumeration index). Errors: usage.
Cell parse_cell(std::string_view text);

// Base-5 number of the operations, first edge slowest: the order of the published correlation script.
int enumeration_index(const Cell& cell);
Cell cell_at(int enumeration_index);  // Errors: usage when not in 0..15624

// Index in the benchmark's tables: the enumeration shuffled by Python's random.seed(88).
int benchmark_index(const Cell& cell);
Cell cell_of_benchmark(int benchmark_index);  // Errors: usage when not in 0..15624

}  // namespace rlnas::nasbench201
