#include "search/darts/angle_table.h"

#include <cmath>
#include <string_view>

#include "kernels/check.h"

namespace rlnas::darts {
namespace {

// How often a tensor enters the vector, per path.
int occurrences(const Segment& segment, Preset preset, Compat compat) {
  const std::string_view name = segment.name;
  if (segment.edge < 0) return preset == Preset::cifar && name == "classifier.bias" ? 0 : 1;
  const bool dilated = segment.op == int(Op::dil_conv_3x3) || segment.op == int(Op::dil_conv_5x5);
  if (dilated && compat == Compat::megvii) {  // the published slip: gamma again where beta belongs
    if (name.ends_with(".op.3.weight")) return 2;
    if (name.ends_with(".op.3.bias")) return 0;
  }
  return 1;
}

AngleSums times(double factor, const AngleSums& sums) {
  return {factor * sums.dot, factor * sums.norm0_sq, factor * sums.norm1_sq};
}

void add_constants(AngleTable& table, const std::vector<CellGeometry>& cells) {
  for (const CellGeometry& cell : cells)
    for (int edge = 0; edge < kEdgeCount; ++edge) {
      auto& choices = table.choices[std::size_t(cell.kind)][std::size_t(edge)];
      // C x 3 x 3 entries of 1/9: C/9 in each sum.
      choices[std::size_t(Op::max_pool_3x3)].ninths += cell.channels;
      choices[std::size_t(Op::avg_pool_3x3)].ninths += cell.channels;
      if (!is_strided(cell.kind, edge)) choices[std::size_t(Op::skip_connect)].ninths += 9 * cell.channels;
    }
}

}  // namespace

AngleTable make_angle_table(const SegmentTable& segments, const std::vector<AngleSums>& sums,
                            const NetworkSpec& supernet, Compat compat) {
  check_sums(segments, sums);
  AngleTable table;
  std::vector<PerChoice<AngleSums>> cells(std::size_t(supernet.cells));  // kept apart for their own angles
  for (int i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    const AngleSums& sum = sums[std::size_t(i)];
    const AngleSums part = times(occurrences(segment, supernet.preset, compat), sum);
    if (segment.edge < 0) {
      table.fixed += part;
      continue;
    }
    RLNAS_CHECK(segment.cell >= 0 && segment.cell < supernet.cells && segment.edge < kEdgeCount &&
                    segment.op > 0 && segment.op < kOpCount,
                run_failed, "tensor ", segment.name, " is in cell ", segment.cell, " on edge ", segment.edge,
                ", op ", segment.op, ": not in this space");
    const std::size_t kind = std::size_t(cell_kind(segment.cell, supernet.cells));
    cells[std::size_t(segment.cell)][kind][std::size_t(segment.edge)][std::size_t(segment.op)] += part;
  }
  for (const PerChoice<AngleSums>& cell : cells)
    for (std::size_t kind = 0; kind < kCellKinds; ++kind)
      for (std::size_t edge = 0; edge < kEdgeCount; ++edge)
        for (std::size_t op = 0; op < kOpCount; ++op) {
          const AngleSums& own = cell[kind][edge][op];
          if (own.norm0_sq == 0.0 && own.norm1_sq == 0.0) continue;  // no tensors in this cell
          table.choices[kind][edge][op].weights += own;
          table.op_angle_rad[kind][edge][op] += rlnas::angle_rad(own);
        }
  add_constants(table, cell_geometries(supernet));
  return table;
}

AngleSums angle_sums(const AngleTable& table, const Architecture& architecture) {
  ChoiceSums sum{table.fixed, 0.0};
  for (const CellKind kind : {CellKind::normal, CellKind::reduce}) {
    const Cell& cell = architecture.cell(kind);
    const Multiplicity& multiplicity = path_multiplicity(cell);
    const auto& choices = table.choices[std::size_t(kind)];
    for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
      const ChoiceSums& choice = choices[edge][std::size_t(cell.ops[edge])];
      const double paths = multiplicity[edge];
      sum.weights += times(paths, choice.weights);
      sum.ninths += paths * choice.ninths;
    }
  }
  const double constants = sum.ninths / 9.0;
  sum.weights += {constants, constants, constants};
  return sum.weights;
}

double angle_rad(const AngleTable& table, const Architecture& architecture) {
  return rlnas::angle_rad(angle_sums(table, architecture));
}

double op_angle_sum(const AngleTable& table, const Architecture& architecture) {
  double total = 0.0;
  for (const CellKind kind : {CellKind::normal, CellKind::reduce}) {
    const Cell& cell = architecture.cell(kind);
    for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
      total += table.op_angle_rad[std::size_t(kind)][edge][std::size_t(cell.ops[edge])];
    }
  }
  return total;
}

double score(const AngleTable& table, const Architecture& architecture, ScoreKind kind) {
  return kind == ScoreKind::angle ? angle_rad(table, architecture) : op_angle_sum(table, architecture);
}

}  // namespace rlnas::darts
