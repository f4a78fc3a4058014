#include "search/space.h"

#include "kernels/check.h"

namespace rlnas {

const std::vector<CellSpec>& Space::cells() const {
  static const std::vector<CellSpec> none;
  return none;
}

int Space::gene_count() const {
  std::size_t count = 0;
  for (const CellSpec& cell : cells()) count += cell.edges.size();
  return int(count);
}

int Space::choices(int gene) const {
  for (const CellSpec& cell : cells()) {
    if (gene < int(cell.edges.size())) return int(cell.of(std::size_t(gene)).ops.size());
    gene -= int(cell.edges.size());
  }
  fail(ErrorCode::run_failed, name(), " has no gene ", gene);
}

std::string Space::drawing(const Genes& genes) const {
  std::string text;
  std::size_t first = 0;
  for (const CellSpec& cell : cells()) {
    text += drawing_of(cell, std::span(genes).subspan(first));
    first += cell.edges.size();
  }
  return text;
}

std::string Space::place_name(int gene) const {
  int edge = gene;
  for (const CellSpec& cell : cells()) {
    if (edge < int(cell.edges.size())) {
      const CellEdge& at = cell.edges[std::size_t(edge)];
      return std::string(cell.node_names[std::size_t(at.target)]) + " <- " +
             cell.node_names[std::size_t(at.source)];
    }
    edge -= int(cell.edges.size());
  }
  return "block " + std::to_string(gene);
}

std::string Space::choice_name(int gene, int choice) const {
  for (const CellSpec& cell : cells()) {
    if (gene < int(cell.edges.size())) return cell.of(std::size_t(gene)).ops.at(std::size_t(choice));
    gene -= int(cell.edges.size());
  }
  return std::to_string(choice);
}

Genes Space::benchmark_genes(int) const {
  fail(ErrorCode::usage, name(), " has no benchmark");
}

int Space::benchmark_index(const Genes&) const {
  fail(ErrorCode::usage, name(), " has no benchmark");
}

NetworkOptions Space::published_stand_alone(int classes, int image_size) const {
  return {.kind = NetworkKind::stand_alone, .classes = classes, .image_size = image_size};
}

Optimum Space::exact(const SearchSpace&) const {
  fail(ErrorCode::usage, "--method exact: there is none for ", name(), "; use exhaustive or evolution");
}

int gene_of(const std::vector<ChoiceSite>& sites, int cell, int edge) {
  for (const ChoiceSite& site : sites)
    if (site.cell == cell && site.edge == edge) return site.gene;
  return -1;
}

}  // namespace rlnas
