// The two DARTS spaces as spaces to search: 28 genes, the operations of the normal and of the reduction cell,
// scored from the angle table. Source: method.md 2.4, 8.1.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "search/darts/angle_table.h"
#include "search/darts/cell.h"
#include "search/darts/counts.h"
#include "search/darts/network.h"
#include "search/search_space.h"

namespace rlnas::darts {

struct SpaceSpec {
  NetworkSpec supernet;     // whose weights are scored
  NetworkSpec stand_alone;  // whose FLOPs and parameters count
  ScoreKind score = ScoreKind::angle;
  // On the stand-alone network, in FLOPs of the published counter. The published search on ImageNet allows
  // 600e6, the one on CIFAR anything.
  Constraint constraint = {};

  static SpaceSpec published(Preset preset) {
    return {published_supernet(preset), published_stand_alone(preset), ScoreKind::angle, {}};
  }
};

class DartsSpace final : public SearchSpace {
 public:
  static constexpr int kGeneCount = kCellKinds * kEdgeCount;  // normal cell first

  // Errors: usage when even the smallest architecture is beyond the constraint, saying how large it is.
  DartsSpace(const AngleTable& table, const SpaceSpec& spec);

  int gene_count() const override { return kGeneCount; }
  int choices(int) const override { return kOpCount; }
  // The published search mutates the normal cell alone, and on ImageNet never to none.
  GeneRange published_mutation_range(int gene) const override;
  void repair(Genes& genes, const std::function<std::uint32_t(std::uint32_t)>& below) const override;
  // Two inputs a node, and within the constraint.
  bool legal(const Genes& genes) const override;
  double score(const Genes& genes) const override;
  // FLOPs of the published counter (9.1), in exact integers.
  std::int64_t macs(const Genes& genes) const override;

  std::string name() const override;
  // The genotype; parse() takes codes too.
  std::string text(const Genes& genes) const override;
  Genes parse(const std::string& text) const override;
  std::string drawing(const Genes& genes) const override;
  double angle_rad(const Genes& genes) const override;
  double op_angle_sum(const Genes& genes) const override;
  std::int64_t params(const Genes& genes) const override;
  std::int64_t angle_vector_length(const Genes& genes) const override;
  std::vector<CellPaths> cell_paths(const Genes& genes) const override;

  bool searches_exactly() const override { return true; }
  // See darts/exact.h.
  Optimum exact() const override;

  const AngleTable& table() const { return table_; }
  const SpaceSpec& spec() const { return spec_; }

 private:
  AngleTable table_;
  SpaceSpec spec_;
  CountTable flops_, params_, lengths_;
};

// Errors: run_failed for a wrong number of genes or one out of range.
Architecture architecture_of_genes(const Genes& genes);
Genes genes_of_architecture(const Architecture& architecture);

}  // namespace rlnas::darts
