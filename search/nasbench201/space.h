// NAS-Bench-201 as a space to search: six genes, one operation each, scored from the angle table.
#pragma once

#include <array>
#include <cstdint>

#include "search/nasbench201/angle_table.h"
#include "search/nasbench201/cell.h"
#include "search/search_space.h"

namespace rlnas::nasbench201 {

class CellSpace final : public SearchSpace {
 public:
  // Errors: usage when even the smallest architecture is beyond the constraint, saying how large it is.
  CellSpace(const AngleTable& table, const SpaceSpec& spec);

  int gene_count() const override { return kEdgeCount; }
  int choices(int) const override { return kOpCount; }
  GeneRange published_mutation_range(int) const override { return {1, kOpCount}; }  // never none
  bool legal(const Genes& genes) const override;
  double score(const Genes& genes) const override;
  std::int64_t macs(const Genes& genes) const override;

  std::string name() const override { return "nasbench201"; }
  std::string text(const Genes& genes) const override;
  // Also takes N or #N (benchmark index) and enum:N (enumeration index).
  Genes parse(const std::string& text) const override;
  std::string drawing(const Genes& genes) const override;
  std::vector<NamedNumber> numbers(const Genes& genes) const override;  // index: the benchmark's
  double angle_rad(const Genes& genes) const override;
  double op_angle_sum(const Genes& genes) const override;
  std::int64_t params(const Genes& genes) const override;
  std::int64_t angle_vector_length(const Genes& genes) const override;
  std::vector<CellPaths> cell_paths(const Genes& genes) const override;
  bool searches_exactly() const override { return true; }
  Optimum exact() const override;  // by looking at all; equal angles rank as in every search

 private:
  // MACs and parameters are those of the empty cell and, for each edge, of its operation on top.
  struct Costs {
    std::int64_t empty = 0;
    std::array<std::int64_t, kOpCount> op{};
    std::int64_t of(const Genes& genes) const;
  };

  AngleTable table_;
  SpaceSpec spec_;
  Costs macs_;
  Costs params_;
};

Cell cell_of_genes(const Genes& genes);
Genes genes_of_cell(const Cell& cell);

}  // namespace rlnas::nasbench201
