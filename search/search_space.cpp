#include "search/search_space.h"

#include <algorithm>

#include "kernels/check.h"

namespace rlnas {

SearchSpace::Optimum SearchSpace::exact() const {
  fail(ErrorCode::usage, "--method exact: there is none for ", name(), "; use exhaustive or evolution");
}

std::int64_t gene_strings(const EvolutionSpace& space, std::int64_t limit) {
  std::int64_t size = 1;
  for (int g = 0; g < space.gene_count(); ++g) {
    if (size > limit / space.choices(g)) return limit;
    size *= space.choices(g);
  }
  return std::min(size, limit);
}

std::int64_t enumeration_index(const EvolutionSpace& space, const Genes& genes) {
  std::int64_t index = 0;
  for (int g = 0; g < space.gene_count(); ++g) index = index * space.choices(g) + genes[std::size_t(g)];
  return index;
}

Genes genes_at(const EvolutionSpace& space, std::int64_t index) {
  Genes genes(std::size_t(space.gene_count()));
  for (int g = space.gene_count(); g-- > 0; index /= space.choices(g))
    genes[std::size_t(g)] = std::int8_t(index % space.choices(g));
  return genes;
}

}  // namespace rlnas
