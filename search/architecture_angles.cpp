#include "search/architecture_angles.h"

#include <utility>

namespace rlnas {

ArchitectureAngles::ArchitectureAngles(const Space& space, AngleTable table)
    : space_(space), table_(std::move(table)) {
  for (const CellSpec& cell : space.cells()) paths_.emplace_back(cell);
}

AngleSums ArchitectureAngles::sums(const Genes& genes) const {
  AngleSums total = table_.fixed;
  double ninths = 0.0;
  const bool lives = visit_paths(genes, [&](int gene, int paths) {
    const ChoiceSums& choice = table_.choices.at(gene, genes[std::size_t(gene)]);
    const double n = paths;
    total += {n * choice.weights.dot, n * choice.weights.norm0_sq, n * choice.weights.norm1_sq};
    ninths += n * choice.ninths;
  });
  if (!lives) return {};
  const double constants = ninths / 9.0;
  total += {constants, constants, constants};
  return total;
}

double ArchitectureAngles::angle_rad(const Genes& genes) const {
  const AngleSums sums = this->sums(genes);
  return sums.norm0_sq == 0.0 && sums.norm1_sq == 0.0 ? 0.0 : rlnas::angle_rad(sums);
}

double ArchitectureAngles::op_angle_sum(const Genes& genes) const {
  double total = 0.0;
  visit_paths(genes, [&](int gene, int paths) {
    if (paths > 0) total += table_.choices.at(gene, genes[std::size_t(gene)]).op_angle_rad;
  });
  return total;
}

std::vector<CellPaths> ArchitectureAngles::cell_paths(const Genes& genes) const {
  std::vector<CellPaths> all;
  std::size_t first = 0;
  for (std::size_t c = 0; c < paths_.size(); ++c) {
    const CellSpec& spec = space_.cells()[c];
    const std::span<const std::int8_t> ops = std::span(genes).subspan(first);
    CellPaths& cell = all.emplace_back(CellPaths{spec.name, paths_[c].live_paths(ops), {}});
    const std::span<const std::uint8_t> multiplicity = paths_[c].multiplicity(ops);
    for (std::size_t e = 0; e < spec.edges.size(); ++e)
      cell.edges.push_back({spec.edges[e].target, spec.edges[e].source, multiplicity[e]});
    first += spec.edges.size();
  }
  return all;
}

}  // namespace rlnas
