#include <array>
#include <limits>

#include "engine/mt19937.h"
#include "search/evolution_operators.h"
#include "search/gene_set.h"

namespace rlnas {
namespace {

constexpr int kBatch = 10;  // proposals drawn before the first of them is looked at
// The published loops for random candidates and mutants have no bound and would never end on a used-up space;
// this one is far beyond what a run that does end needs.
constexpr int kMaxBatches = 20000;
constexpr std::int64_t kAttemptsPerCandidate = 1000;  // of PublishedSearch::count_attempts

class PublishedProposer final : public Proposer {
 public:
  PublishedProposer(const EvolutionSpace& space, const EvolutionOptions& options)
      : space_(space), options_(options), random_(std::uint32_t(options.seed)) {
    for (int i = 0; i < options.label_draws; ++i) random_.randint(std::uint32_t(options.label_classes));
  }

  void begin_generation(int) override {}

  void random(int wanted, std::vector<Genes>& out) override {
    const RandomAcceptance before = offered_;
    // The published bound is one for a whole population, however few are missing.
    collect(wanted, {kMaxBatches, kAttemptsPerCandidate * options_.population}, out, [&](Genes& genes) {
      genes.resize(std::size_t(space_.gene_count()));
      for (int g = 0; g < space_.gene_count(); ++g) {
        genes[std::size_t(g)] = std::int8_t(random_.randint(std::uint32_t(space_.choices(g))));
      }
    });
    acceptance_.proposals += offered_.proposals - before.proposals;
    acceptance_.legal += offered_.legal - before.legal;
  }

  void mutate(const std::vector<Candidate>& parents, int wanted, std::vector<Genes>& out) override {
    collect(wanted, {kMaxBatches, kAttemptsPerCandidate * wanted}, out, [&](Genes& genes) {
      genes = draw_parent(parents);
      for (int g = 0; g < space_.gene_count(); ++g) {
        const GeneRange range = space_.published_mutation_range(g);
        if (range.low >= range.high || !(random_.random_sample() < options_.mutation_probability)) continue;
        genes[std::size_t(g)] =
            std::int8_t(range.low + int(random_.randint(std::uint32_t(range.high - range.low))));
      }
    });
  }

  void cross(const std::vector<Candidate>& parents, int wanted, std::vector<Genes>& out) override {
    collect(wanted, {wanted + 1, kAttemptsPerCandidate * wanted}, out, [&](Genes& genes) {
      genes = draw_parent(parents);
      const Genes& other = draw_parent(parents);
      for (std::size_t g = 0; g < genes.size(); ++g) genes[g] = random_.randint(2) == 1 ? other[g] : genes[g];
    });
  }

  RandomAcceptance acceptance() const override { return acceptance_; }

 private:
  const Genes& draw_parent(const std::vector<Candidate>& parents) {
    return parents[random_.randint(std::uint32_t(parents.size()))].genes;
  }

  // When an operator gives up: by batches where seen proposals are skipped, else by attempts.
  struct Bound {
    std::int64_t batches = 0;
    std::int64_t attempts = 0;
  };

  // The rest of a batch in which the quota is met is thrown away unseen, its draws consumed.
  template <class Propose>
  void collect(int wanted, Bound bound, std::vector<Genes>& out, Propose propose) {
    const bool skip_seen = space_.published_search() == PublishedSearch::skip_seen;
    (skip_seen ? bound.attempts : bound.batches) = std::numeric_limits<std::int64_t>::max();
    std::array<Genes, kBatch> proposals;  // one storage for all batches: most proposals go no further
    int found = 0;
    for (; bound.batches > 0 && bound.attempts > 0 && found < wanted; --bound.batches) {
      for (Genes& genes : proposals) propose(genes);
      for (Genes& genes : proposals) {
        if (found == wanted || bound.attempts-- == 0) break;
        if (skip_seen) {
          if (!seen_.insert(genes)) continue;
          space_.repair(genes, [&](std::uint32_t n) { return random_.randint(n); });
          seen_.insert(genes);
        }
        if (visited_.contains(genes)) continue;
        ++offered_.proposals;
        if (!space_.legal(genes)) continue;
        ++offered_.legal;
        visited_.insert(genes);
        out.push_back(genes);
        ++found;
      }
    }
  }

  const EvolutionSpace& space_;
  const EvolutionOptions options_;
  NumpyRandom random_;
  GeneSet seen_;                           // raw proposals, legal or not
  GeneSet visited_;                        // candidates handed out
  RandomAcceptance offered_, acceptance_;  // of every operator, of random() alone
};

}  // namespace

std::unique_ptr<Proposer> make_published_proposer(const EvolutionSpace& space,
                                                  const EvolutionOptions& options) {
  return std::make_unique<PublishedProposer>(space, options);
}

}  // namespace rlnas
