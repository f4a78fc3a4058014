#include "search/nasbench201/space.h"

#include <chrono>

#include "kernels/check.h"
#include "search/nasbench201/counts.h"

namespace rlnas::nasbench201 {

CellSpace::CellSpace(const AngleTable& table, const SpaceSpec& spec) : table_(table), spec_(spec) {
  macs_.empty = nasbench201::macs(Cell{}, spec.classes, spec.image_size);
  params_.empty = nasbench201::params(Cell{}, spec.classes);
  RLNAS_CHECK(spec.constraint.max_macs >= macs_.empty, usage, "--max-mflops ",
              double(spec.constraint.max_macs) / 1e6, ": the smallest architecture has ",
              double(macs_.empty) / 1e6, " MFLOPs");
  RLNAS_CHECK(spec.constraint.max_params >= params_.empty, usage, "--max-params ", spec.constraint.max_params,
              ": the smallest architecture has ", params_.empty, " parameters");
  for (std::size_t op = 0; op < kOpCount; ++op) {
    const Cell one_op{{Op(op)}};
    macs_.op[op] = nasbench201::macs(one_op, spec.classes, spec.image_size) - macs_.empty;
    params_.op[op] = nasbench201::params(one_op, spec.classes) - params_.empty;
  }
}

std::int64_t CellSpace::Costs::of(const Genes& genes) const {
  std::int64_t total = empty;
  for (const Op edge_op : cell_of_genes(genes).ops) total += op[std::size_t(edge_op)];
  return total;
}

bool CellSpace::legal(const Genes& genes) const {
  return macs_.of(genes) <= spec_.constraint.max_macs && params_.of(genes) <= spec_.constraint.max_params;
}

double CellSpace::score(const Genes& genes) const {
  return nasbench201::score(table_, cell_of_genes(genes), spec_.score);
}

std::int64_t CellSpace::macs(const Genes& genes) const {
  return macs_.of(genes);
}

std::string CellSpace::text(const Genes& genes) const {
  return to_string(cell_of_genes(genes));
}

Genes CellSpace::parse(const std::string& text) const {
  return genes_of_cell(parse_cell(text));
}

std::string CellSpace::drawing(const Genes& genes) const {
  const Cell cell = cell_of_genes(genes);
  std::string lines;
  for (int node = 1; node < kNodeCount; ++node) {
    std::string terms;
    for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
      if (kEdges[edge].target != node || cell.ops[edge] == Op::none) continue;
      terms += (terms.empty() ? "" : " + ") + std::string(op_name(cell.ops[edge])) + "(" +
               (kEdges[edge].source == 0 ? "input" : "node " + std::to_string(kEdges[edge].source)) + ")";
    }
    lines += "  " + (node == kNodeCount - 1 ? "output" : "node " + std::to_string(node)) + " = " +
             (terms.empty() ? "0" : terms) + "\n";
  }
  return lines;
}

std::vector<NamedNumber> CellSpace::numbers(const Genes& genes) const {
  return {{"index", benchmark_index(cell_of_genes(genes))}};
}

double CellSpace::angle_rad(const Genes& genes) const {
  return nasbench201::angle_rad(table_, cell_of_genes(genes));
}

double CellSpace::op_angle_sum(const Genes& genes) const {
  return nasbench201::op_angle_sum(table_, cell_of_genes(genes));
}

std::int64_t CellSpace::params(const Genes& genes) const {
  return params_.of(genes);
}

std::int64_t CellSpace::angle_vector_length(const Genes& genes) const {
  return nasbench201::angle_vector_length(cell_of_genes(genes), spec_.classes);
}

std::vector<CellPaths> CellSpace::cell_paths(const Genes& genes) const {
  const Cell cell = cell_of_genes(genes);
  const auto multiplicity = path_multiplicity(cell);
  CellPaths paths{"", live_paths(cell), {}};
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge)
    paths.edges.push_back({kEdges[edge].target, kEdges[edge].source, multiplicity[edge]});
  return {paths};
}

SearchSpace::Optimum CellSpace::exact() const {
  const auto start = std::chrono::steady_clock::now();
  std::vector<Candidate> legal_cells;  // in order of enumeration
  for (int index = 0; index < kSpaceSize; ++index) {
    const Genes genes = genes_of_cell(cell_at(index));
    if (legal(genes)) legal_cells.push_back({genes, angle_rad(genes), macs(genes)});
  }
  Optimum optimum{.proven = true, .nodes = std::int64_t(legal_cells.size())};
  rank_candidates(legal_cells, spec_.compat);
  optimum.genes = legal_cells.front().genes;  // the empty cell is always legal
  optimum.bound_rad = legal_cells.front().score;
  optimum.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return optimum;
}

Cell cell_of_genes(const Genes& genes) {
  RLNAS_CHECK(genes.size() == kEdgeCount, run_failed, "a cell has ", kEdgeCount, " genes, not ",
              genes.size());
  Cell cell;
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    RLNAS_CHECK(genes[edge] >= 0 && genes[edge] < kOpCount, run_failed, "gene ", edge, " is out of range");
    cell.ops[edge] = Op(genes[edge]);
  }
  return cell;
}

Genes genes_of_cell(const Cell& cell) {
  Genes genes;
  for (const Op op : cell.ops) genes.push_back(std::int8_t(op));
  return genes;
}

}  // namespace rlnas::nasbench201
