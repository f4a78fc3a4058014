#include "search/darts/counts.h"

#include <vector>

namespace rlnas::darts {
namespace {

constexpr int kPoolEntries = 9;  // a pool stands in the vector as a 3x3 kernel per channel

constexpr std::int64_t square(std::int64_t x) {
  return x * x;
}
constexpr int kernel_area(Op op) {
  return op == Op::sep_conv_5x5 || op == Op::dil_conv_5x5 ? 25 : 9;
}

// Weights of the operation's convolutions, which all work on channels x channels.
std::int64_t conv_weights(Op op, std::int64_t channels, bool strided) {
  switch (op) {
    case Op::none:
    case Op::max_pool_3x3:
    case Op::avg_pool_3x3:
      return 0;
    case Op::skip_connect:
      return strided ? square(channels) : 0;
    case Op::sep_conv_3x3:
    case Op::sep_conv_5x5:
      return 2 * (kernel_area(op) * channels + square(channels));
    case Op::dil_conv_3x3:
    case Op::dil_conv_5x5:
      return kernel_area(op) * channels + square(channels);
  }
  return 0;
}

// Batch norms behind the operation's convolutions.
int conv_norms(Op op, bool strided) {
  if (op == Op::sep_conv_3x3 || op == Op::sep_conv_5x5) return 2;
  if (op == Op::dil_conv_3x3 || op == Op::dil_conv_5x5) return 1;
  return op == Op::skip_connect && strided ? 1 : 0;
}

std::int64_t preprocess_weights(const CellGeometry& cell) {
  return std::int64_t(cell.input0_channels + cell.input1_channels) * cell.channels;
}

// Sums of(cell, op, strided) over the cells into the choices of their kind.
template <class Of>
PerChoice<std::int64_t> sum_over_cells(const std::vector<CellGeometry>& cells, Of of) {
  PerChoice<std::int64_t> sums{};
  for (const CellGeometry& cell : cells)
    for (int edge = 0; edge < kEdgeCount; ++edge)
      for (int op = 0; op < kOpCount; ++op)
        sums[std::size_t(cell.kind)][std::size_t(edge)][std::size_t(op)] +=
            of(cell, Op(op), is_strided(cell.kind, edge));
  return sums;
}

struct StemCounts {
  std::int64_t macs = 0;
  std::int64_t params = 0;
};
StemCounts stem_counts(const NetworkSpec& spec) {
  const std::int64_t c = spec.channels, size = spec.image_size;
  if (spec.preset == Preset::cifar) return {9 * 3 * 3 * c * square(size), 9 * 3 * 3 * c + 2 * 3 * c};
  const std::int64_t first = 9 * 3 * (c / 2), second = 9 * (c / 2) * c, third = 9 * c * c;
  return {first * square(size / 2) + second * square(size / 4) + third * square(size / 8),
          first + second + third + 2 * (c / 2 + c + c)};
}

std::int64_t features(const std::vector<CellGeometry>& cells) {
  return std::int64_t{kNodeCount} * cells.back().channels;
}

// Parameters that every architecture has, the classifier's bias left out.
std::int64_t fixed_params_without_bias(const NetworkSpec& spec, const std::vector<CellGeometry>& cells) {
  std::int64_t count = stem_counts(spec).params;
  for (const CellGeometry& cell : cells) count += preprocess_weights(cell) + 2 * 2 * cell.channels;
  return count + features(cells) * spec.classes;
}

using LiveEdges = std::uint32_t;  // bit e: edge e is not none

Multiplicity count_paths(LiveEdges live) {
  std::array<int, kAllNodes> from_input{1, 1}, onwards{0, 0, 1, 1, 1, 1};  // every node is an output
  Multiplicity multiplicity{};
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {  // sorted by target
    if (!(live >> edge & 1)) continue;
    from_input[std::size_t(kEdges[edge].target)] += from_input[std::size_t(kEdges[edge].source)];
  }
  for (std::size_t edge = kEdgeCount; edge-- > 0;) {
    if (!(live >> edge & 1)) continue;
    const std::size_t source = std::size_t(kEdges[edge].source), target = std::size_t(kEdges[edge].target);
    onwards[source] += onwards[target];
    multiplicity[edge] = std::uint8_t(from_input[source] * onwards[target]);
  }
  return multiplicity;
}

LiveEdges live_edges(const Cell& cell) {
  LiveEdges live = 0;
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) live |= LiveEdges(cell.ops[edge] != Op::none) << edge;
  return live;
}

}  // namespace

CountTable flop_table(const NetworkSpec& spec) {
  const std::vector<CellGeometry> cells = cell_geometries(spec);
  CountTable table;
  table.fixed = stem_counts(spec).macs + (2 * features(cells) - 1) * spec.classes;
  for (const CellGeometry& cell : cells) table.fixed += preprocess_weights(cell) * square(cell.in_size);
  // The convolutions of a strided operation all work at its output's size.
  table.choices = sum_over_cells(cells, [](const CellGeometry& cell, Op op, bool strided) {
    return conv_weights(op, cell.channels, strided) * square(cell.out_size);
  });
  return table;
}

CountTable param_table(const NetworkSpec& spec) {
  const std::vector<CellGeometry> cells = cell_geometries(spec);
  CountTable table;
  table.fixed = fixed_params_without_bias(spec, cells) + spec.classes;
  table.choices = sum_over_cells(cells, [](const CellGeometry& cell, Op op, bool strided) {
    return conv_weights(op, cell.channels, strided) + 2 * conv_norms(op, strided) * cell.channels;
  });
  return table;
}

CountTable angle_length_table(const NetworkSpec& supernet) {
  const std::vector<CellGeometry> cells = cell_geometries(supernet);
  CountTable table;
  table.fixed = fixed_params_without_bias(supernet, cells);
  if (supernet.preset == Preset::imagenet) table.fixed += supernet.classes;
  table.choices = sum_over_cells(cells, [](const CellGeometry& cell, Op op, bool strided) {
    if (op == Op::max_pool_3x3 || op == Op::avg_pool_3x3)
      return std::int64_t{kPoolEntries + 2} * cell.channels;
    if (op == Op::skip_connect && !strided) return square(cell.channels);  // the identity matrix
    return conv_weights(op, cell.channels, strided) + 2 * conv_norms(op, strided) * cell.channels;
  });
  return table;
}

std::int64_t total(const CountTable& table, const Architecture& architecture) {
  std::int64_t sum = table.fixed;
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    sum += table.choices[0][edge][std::size_t(architecture.normal.ops[edge])] +
           table.choices[1][edge][std::size_t(architecture.reduce.ops[edge])];
  }
  return sum;
}

std::int64_t total_over_paths(const CountTable& table, const Architecture& architecture) {
  std::int64_t sum = table.fixed;
  const Multiplicity& normal = path_multiplicity(architecture.normal);
  const Multiplicity& reduce = path_multiplicity(architecture.reduce);
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    sum += normal[edge] * table.choices[0][edge][std::size_t(architecture.normal.ops[edge])] +
           reduce[edge] * table.choices[1][edge][std::size_t(architecture.reduce.ops[edge])];
  }
  return sum;
}

const Multiplicity& path_multiplicity(const Cell& cell) {
  // One entry per set of live edges, because scoring asks millions of times a second.
  static const std::vector<Multiplicity> by_live_edges = [] {
    std::vector<Multiplicity> entries;
    for (LiveEdges live = 0; live < LiveEdges{1} << kEdgeCount; ++live) entries.push_back(count_paths(live));
    return entries;
  }();
  return by_live_edges[live_edges(cell)];
}

int live_paths(const Cell& cell) {
  const Multiplicity& multiplicity = path_multiplicity(cell);
  int paths = 0;  // every path begins on exactly one edge from an input
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    if (kEdges[edge].source < kInputCount) paths += multiplicity[edge];
  }
  return paths;
}

}  // namespace rlnas::darts
