// NAS-Bench-201 as a space to search: six genes, one operation each, scored from the angle table.
#pragma once

#include <array>
#include <cstdint>
#include <limits>

#include "search/evolution.h"
#include "search/nasbench201/angle_table.h"
#include "search/nasbench201/cell.h"

namespace rlnas::nasbench201 {

struct Constraint {
  std::int64_t max_macs = std::numeric_limits<std::int64_t>::max();
  std::int64_t max_params = std::numeric_limits<std::int64_t>::max();
};

struct SpaceSpec {
  int classes = 10;
  int image_size = 32;
  ScoreKind score = ScoreKind::angle;
  Constraint constraint;
};

class CellSpace final : public EvolutionSpace {
 public:
  // Errors: usage when even the smallest architecture is beyond the constraint, saying how large it is.
  CellSpace(const AngleTable& table, const SpaceSpec& spec);

  int gene_count() const override { return kEdgeCount; }
  int choices(int) const override { return kOpCount; }
  GeneRange published_mutation_range(int) const override { return {1, kOpCount}; }  // never none
  bool legal(const Genes& genes) const override;
  double score(const Genes& genes) const override;
  std::int64_t macs(const Genes& genes) const override;

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
