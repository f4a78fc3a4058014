#include "search/space.h"

#include "kernels/check.h"

namespace rlnas {
namespace {

// The cell and the edge of it that a gene is; no cell where the network is a chain.
struct CellPlace {
  const CellSpec* cell = nullptr;
  std::size_t edge = 0;
};

CellPlace place_of(const std::vector<CellSpec>& cells, int gene) {
  std::size_t edge = std::size_t(gene);
  for (const CellSpec& cell : cells) {
    if (edge < cell.edges.size()) return {&cell, edge};
    edge -= cell.edges.size();
  }
  return {};
}

}  // namespace

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
  const CellPlace place = place_of(cells(), gene);
  RLNAS_CHECK(place.cell != nullptr, run_failed, name(), " has no gene ", gene);
  return int(place.cell->of(place.edge).ops.size());
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
  const auto [cell, edge] = place_of(cells(), gene);
  if (cell == nullptr) return "block " + std::to_string(gene);
  const CellEdge& at = cell->edges[edge];
  return std::string(cell->node_names[std::size_t(at.target)]) + " <- " +
         cell->node_names[std::size_t(at.source)];
}

std::string Space::choice_name(int gene, int choice) const {
  const auto [cell, edge] = place_of(cells(), gene);
  return cell != nullptr ? cell->of(edge).ops.at(std::size_t(choice)) : std::to_string(choice);
}

Genes Space::benchmark_genes(int) const {
  fail(ErrorCode::usage, name(), " has no benchmark");
}

int Space::benchmark_index(const Genes&) const {
  fail(ErrorCode::usage, name(), " has no benchmark");
}

MixtureSpec Space::mixture(const NetworkOptions&) const {
  fail(ErrorCode::usage, "--method: ", name(),
       " has no network of weighted candidates; use single-path, or --space darts-cifar");
}

Genes Space::favoured(const NetworkOptions& options, std::span<const float>) const {
  mixture(options);
  return {};
}

TrainConfig Space::mixture_recipe(TrainMethod) const {
  mixture({});
  return {};
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
