#include "search/nasbench201/space.h"

#include "kernels/check.h"
#include "search/nasbench201/counts.h"

namespace rlnas::nasbench201 {

CellSpace::CellSpace(const AngleTable& table, const SpaceSpec& spec) : table_(table), spec_(spec) {
  const std::int64_t fewest_macs = nasbench201::macs(Cell{}, spec.classes, spec.image_size);
  const std::int64_t fewest_params = nasbench201::params(Cell{}, spec.classes);
  RLNAS_CHECK(spec.constraint.max_macs >= fewest_macs, usage, "--max-mflops ",
              double(spec.constraint.max_macs) / 1e6, ": the smallest architecture has ",
              double(fewest_macs) / 1e6, " MFLOPs");
  RLNAS_CHECK(spec.constraint.max_params >= fewest_params, usage, "--max-params ", spec.constraint.max_params,
              ": the smallest architecture has ", fewest_params, " parameters");
}

bool CellSpace::legal(const Genes& genes) const {
  return macs(genes) <= spec_.constraint.max_macs &&
         nasbench201::params(cell_of_genes(genes), spec_.classes) <= spec_.constraint.max_params;
}

double CellSpace::score(const Genes& genes) const {
  return nasbench201::score(table_, cell_of_genes(genes), spec_.score);
}

std::int64_t CellSpace::macs(const Genes& genes) const {
  return nasbench201::macs(cell_of_genes(genes), spec_.classes, spec_.image_size);
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
