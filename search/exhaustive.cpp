#include "search/exhaustive.h"

#include "engine/interruption.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

// The next gene string in lexicographic order; false after the last.
bool advance(Genes& genes, const EvolutionSpace& space) {
  for (int g = space.gene_count(); g-- > 0;) {
    if (++genes[std::size_t(g)] < space.choices(g)) return true;
    genes[std::size_t(g)] = 0;
  }
  return false;
}

}  // namespace

std::vector<Candidate> exhaustive_search(const EvolutionSpace& space, Measure& measure) {
  constexpr double kLargest = 1e7;
  double size = 1.0;
  for (int g = 0; g < space.gene_count(); ++g) size *= space.choices(g);
  RLNAS_CHECK(size <= kLargest, usage, "--method exhaustive: ", size,
              " architectures are too many; use evolution");

  std::vector<Genes> legal;
  Genes genes(std::size_t(space.gene_count()), 0);
  std::int64_t seen = 0;
  do {
    if ((++seen & 0xfff) == 0) check_interruption();
    if (space.legal(genes)) legal.push_back(genes);
  } while (advance(genes, space));
  RLNAS_CHECK(!legal.empty(), usage,
              "no architecture is within the limits: raise --max-mflops or --max-params");
  std::vector<Candidate> candidates = evaluate(space, measure, std::move(legal));
  score_candidates(candidates);
  return candidates;
}

}  // namespace rlnas
