// An architecture as every search sees it: a string of small numbers; and the order of all of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace rlnas {

using Genes = std::vector<std::int8_t>;  // gene g is in 0 .. choices(g)-1

// Of anything with gene_count() and choices(gene). The number of gene strings; at most `limit`, which stands
// for all beyond.
template <class Space>
std::int64_t gene_strings(const Space& space, std::int64_t limit) {
  std::int64_t size = 1;
  for (int g = 0; g < space.gene_count(); ++g) {
    if (size > limit / space.choices(g)) return limit;
    size *= space.choices(g);
  }
  return std::min(size, limit);
}

// Place of a gene string in lexicographic order, and the other way round; of spaces with fewer than 2^63.
template <class Space>
std::int64_t enumeration_index(const Space& space, const Genes& genes) {
  std::int64_t index = 0;
  for (int g = 0; g < space.gene_count(); ++g) index = index * space.choices(g) + genes[std::size_t(g)];
  return index;
}
template <class Space>
Genes genes_at(const Space& space, std::int64_t index) {
  Genes genes(std::size_t(space.gene_count()));
  for (int g = space.gene_count(); g-- > 0; index /= space.choices(g))
    genes[std::size_t(g)] = std::int8_t(index % space.choices(g));
  return genes;
}

}  // namespace rlnas
