// The MobileNet space to search: 21 genes, an operation for each block, scored from the angle table under a
// cap on FLOPs. Source: method.md 6, 8.1.
#pragma once

#include <cstdint>
#include <string>

#include "search/exact.h"
#include "search/mobilenet/angle_table.h"
#include "search/mobilenet/architecture.h"
#include "search/mobilenet/counts.h"
#include "search/search_space.h"

namespace rlnas::mobilenet {

inline constexpr std::int64_t kPublishedMaxFlops = 475'000'000;

struct SpaceSpec {
  int classes = kPublishedClasses;
  int image_size = kPublishedImageSize;
  ScoreKind score = ScoreKind::angle;
  Constraint constraint = {.max_macs = kPublishedMaxFlops};  // in FLOPs of the published counter
};

class MobilenetSpace final : public SearchSpace {
 public:
  // Errors: usage when even the smallest architecture is beyond the constraint, saying how large it is.
  MobilenetSpace(const AngleTable& table, const SpaceSpec& spec);

  int gene_count() const override { return kBlockCount; }
  int choices(int gene) const override { return kBlocks[std::size_t(gene)].options(); }
  PublishedSearch published_search() const override { return PublishedSearch::count_attempts; }
  bool legal(const Genes& genes) const override;
  double score(const Genes& genes) const override;
  std::int64_t macs(const Genes& genes) const override;

  std::string name() const override { return "mobilenet"; }
  std::string text(const Genes& genes) const override;
  Genes parse(const std::string& text) const override;
  std::string drawing(const Genes& genes) const override;
  double angle_rad(const Genes& genes) const override;
  double op_angle_sum(const Genes& genes) const override;
  std::int64_t params(const Genes& genes) const override;
  std::int64_t angle_vector_length(const Genes& genes) const override;

  bool searches_exactly() const override { return true; }
  Optimum exact() const override;

  // The largest angle under the constraint as a problem for minimise_cos(); its choice is a gene string.
  ExactProblem exact_problem() const;

 private:
  AngleTable table_;
  SpaceSpec spec_;
  CountTable flops_, params_, lengths_;
};

// Errors: run_failed for a wrong number of genes or one out of range.
Architecture architecture_of_genes(const Genes& genes);
Genes genes_of_architecture(const Architecture& architecture);

}  // namespace rlnas::mobilenet
