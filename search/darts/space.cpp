#include "search/darts/space.h"

#include <algorithm>
#include <cmath>

#include "kernels/check.h"
#include "search/darts/describe.h"
#include "search/darts/exact.h"
#include "search/darts/genotype.h"
#include "search/darts/repair.h"

namespace rlnas::darts {

DartsSpace::DartsSpace(const AngleTable& table, const SpaceSpec& spec)
    : table_(table),
      spec_(spec),
      flops_(flop_table(spec.stand_alone)),
      params_(param_table(spec.stand_alone)),
      lengths_(angle_length_table(spec.supernet)) {
  // Pools cost nothing, so the fixed part is what the smallest architecture has.
  RLNAS_CHECK(spec.constraint.max_macs >= flops_.fixed, usage, "--max-mflops ",
              double(spec.constraint.max_macs) / 1e6, ": the smallest architecture has ",
              double(flops_.fixed) / 1e6, " MFLOPs");
  RLNAS_CHECK(spec.constraint.max_params >= params_.fixed, usage, "--max-params ", spec.constraint.max_params,
              ": the smallest architecture has ", params_.fixed, " parameters");
}

GeneRange DartsSpace::published_mutation_range(int gene) const {
  if (gene >= kEdgeCount) return {};
  return {spec_.supernet.preset == Preset::cifar ? 0 : 1, kOpCount};
}

void DartsSpace::repair(Genes& genes, const std::function<std::uint32_t(std::uint32_t)>& below) const {
  Architecture architecture = architecture_of_genes(genes);
  darts::repair(architecture.normal, below);
  darts::repair(architecture.reduce, below);
  genes = genes_of_architecture(architecture);
}

bool DartsSpace::legal(const Genes& genes) const {
  const Architecture architecture = architecture_of_genes(genes);
  return is_legal(architecture) && total(flops_, architecture) <= spec_.constraint.max_macs &&
         total(params_, architecture) <= spec_.constraint.max_params;
}

double DartsSpace::score(const Genes& genes) const {
  return darts::score(table_, architecture_of_genes(genes), spec_.score);
}

std::int64_t DartsSpace::macs(const Genes& genes) const {
  return total(flops_, architecture_of_genes(genes));
}

std::string DartsSpace::name() const {
  return spec_.supernet.preset == Preset::cifar ? "darts-cifar" : "darts-imagenet";
}

std::string DartsSpace::text(const Genes& genes) const {
  return genotype(architecture_of_genes(genes));
}

Genes DartsSpace::parse(const std::string& text) const {
  return genes_of_architecture(parse_architecture(text));
}

std::string DartsSpace::drawing(const Genes& genes) const {
  return darts::drawing(architecture_of_genes(genes));
}

double DartsSpace::angle_rad(const Genes& genes) const {
  return darts::angle_rad(table_, architecture_of_genes(genes));
}

double DartsSpace::op_angle_sum(const Genes& genes) const {
  return darts::op_angle_sum(table_, architecture_of_genes(genes));
}

std::int64_t DartsSpace::params(const Genes& genes) const {
  return total(params_, architecture_of_genes(genes));
}

std::int64_t DartsSpace::angle_vector_length(const Genes& genes) const {
  return total_over_paths(lengths_, architecture_of_genes(genes));
}

std::vector<CellPaths> DartsSpace::cell_paths(const Genes& genes) const {
  const Architecture architecture = architecture_of_genes(genes);
  std::vector<CellPaths> cells;
  for (const CellKind kind : {CellKind::normal, CellKind::reduce}) {
    const Cell& cell = architecture.cell(kind);
    CellPaths& paths =
        cells.emplace_back(CellPaths{kind == CellKind::normal ? "normal" : "reduce", live_paths(cell), {}});
    for (std::size_t edge = 0; edge < kEdgeCount; ++edge)
      paths.edges.push_back({kEdges[edge].target, kEdges[edge].source, path_multiplicity(cell)[edge]});
  }
  return cells;
}

SearchSpace::Optimum DartsSpace::exact() const {
  const LargestAngle found = largest_angle(*this);
  Optimum optimum;
  if (found.status == ExactStatus::infeasible) return optimum;
  optimum.genes = genes_of_architecture(found.architecture);
  optimum.proven = found.status == ExactStatus::optimal;
  optimum.bound_rad = std::acos(std::clamp(found.bound_cos, -1.0, 1.0));
  optimum.nodes = found.nodes;
  optimum.seconds = found.seconds;
  return optimum;
}

Architecture architecture_of_genes(const Genes& genes) {
  RLNAS_CHECK(genes.size() == DartsSpace::kGeneCount, run_failed, "a DARTS architecture has ",
              DartsSpace::kGeneCount, " genes, not ", genes.size());
  Architecture architecture;
  for (std::size_t gene = 0; gene < genes.size(); ++gene) {
    RLNAS_CHECK(genes[gene] >= 0 && genes[gene] < kOpCount, run_failed, "gene ", gene, " is out of range");
    Cell& cell = gene < kEdgeCount ? architecture.normal : architecture.reduce;
    cell.ops[gene % kEdgeCount] = Op(genes[gene]);
  }
  return architecture;
}

Genes genes_of_architecture(const Architecture& architecture) {
  Genes genes(DartsSpace::kGeneCount);
  for (std::size_t edge = 0; edge < kEdgeCount; ++edge) {
    genes[edge] = std::int8_t(architecture.normal.ops[edge]);
    genes[kEdgeCount + edge] = std::int8_t(architecture.reduce.ops[edge]);
  }
  return genes;
}

}  // namespace rlnas::darts
