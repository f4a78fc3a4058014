// A search space whose candidates are scored by all ranks, each a contiguous share. Rank 0 searches, and
// asks; the others serve. Scores are functions of the genes, so the search is the same for any number of
// ranks.
#pragma once

#include "engine/comm/communicator.h"
#include "search/evolution.h"

namespace rlnas {

// Rank 0's. Both must outlive it.
class ShardedSpace final : public EvolutionSpace {
 public:
  ShardedSpace(const EvolutionSpace& space, Communicator& communicator)
      : space_(space), communicator_(communicator) {}

  int gene_count() const override { return space_.gene_count(); }
  int choices(int gene) const override { return space_.choices(gene); }
  GeneRange published_mutation_range(int gene) const override {
    return space_.published_mutation_range(gene);
  }
  PublishedSearch published_search() const override { return space_.published_search(); }
  void repair(Genes& genes, const std::function<std::uint32_t(std::uint32_t)>& below) const override {
    space_.repair(genes, below);
  }
  bool legal(const Genes& genes) const override { return space_.legal(genes); }
  double score(const Genes& genes) const override { return space_.score(genes); }
  std::int64_t macs(const Genes& genes) const override { return space_.macs(genes); }
  std::vector<double> scores(std::span<const Genes> candidates) const override;

  // The search is over: lets the others go.
  void finish() const;

 private:
  const EvolutionSpace& space_;
  Communicator& communicator_;
};

// The others': scores what rank 0 asks for until it says that the search is over.
void serve_scores(const EvolutionSpace& space, Communicator& communicator);

}  // namespace rlnas
