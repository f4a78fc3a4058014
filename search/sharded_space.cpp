#include "search/sharded_space.h"

#include <algorithm>

namespace rlnas {
namespace {

constexpr const char* kAsk = "candidates to score";

// Scores of all candidates at every rank; each has computed those of its share.
std::vector<double> shared_scores(const EvolutionSpace& space, std::span<const Genes> candidates,
                                  Communicator& communicator) {
  const std::size_t ranks = std::size_t(communicator.size());
  const std::size_t share = (candidates.size() + ranks - 1) / ranks;  // all_gather wants the same of everyone
  const std::size_t begin = std::min(share * std::size_t(communicator.rank()), candidates.size());
  const std::size_t end = std::min(begin + share, candidates.size());
  std::vector<double> own = space.scores(candidates.subspan(begin, end - begin));
  own.resize(share);
  std::vector<double> all(share * ranks);
  communicator.all_gather(own.data(), share * sizeof(double), all.data(), "scores");
  all.resize(candidates.size());
  return all;
}

}  // namespace

std::vector<double> ShardedSpace::scores(std::span<const Genes> candidates) const {
  if (candidates.empty()) return {};  // an empty question would end the search
  Genes flat;
  for (const Genes& genes : candidates) flat.insert(flat.end(), genes.begin(), genes.end());
  communicator_.broadcast_all(flat, kAsk);
  return shared_scores(space_, candidates, communicator_);
}

void ShardedSpace::finish() const {
  Genes nothing;
  communicator_.broadcast_all(nothing, kAsk);
}

void serve_scores(const EvolutionSpace& space, Communicator& communicator) {
  const auto genes_each = std::ptrdiff_t(space.gene_count());
  for (;;) {
    Genes flat;
    communicator.broadcast_all(flat, kAsk);
    if (flat.empty()) return;
    std::vector<Genes> candidates;
    for (auto first = flat.begin(); first != flat.end(); first += genes_each)
      candidates.emplace_back(first, first + genes_each);
    shared_scores(space, candidates, communicator);
  }
}

}  // namespace rlnas
