#include <algorithm>

#include "engine/philox.h"
#include "search/evolution_operators.h"
#include "search/gene_set.h"

namespace rlnas {
namespace {

// Proposals tried before an operator settles for fewer candidates than asked for. Random candidates get the
// published bound of the one space that had any (of MobileNet's architectures 0.3% are within its limit).
constexpr std::int64_t kAttemptsPerRandom = 1000;
constexpr std::int64_t kLeastRandomAttempts = 50000;
constexpr std::int64_t kAttemptsPerChild = 200;

class CorrectedProposer final : public Proposer {
 public:
  CorrectedProposer(const EvolutionSpace& space, const EvolutionOptions& options)
      : space_(space), options_(options) {
    for (int g = 0; g < space.gene_count(); ++g) choices_.push_back(std::uint32_t(space.choices(g)));
  }

  void begin_generation(int generation) override { generation_ = std::uint64_t(generation); }

  void random(int wanted, std::vector<Genes>& out) override {
    RandomStream stream(options_.seed, "evolution/random", generation_);
    const std::size_t before = out.size();
    const std::int64_t met = met_count_;
    collect(stream, wanted, std::max(kLeastRandomAttempts, kAttemptsPerRandom * wanted), out,
            [&](Genes& genes) {
              genes.resize(choices_.size());
              for (std::size_t g = 0; g < genes.size(); ++g) genes[g] = draw_gene(stream, g);
            });
    acceptance_.proposals += met_count_ - met;
    acceptance_.legal += std::int64_t(out.size() - before);
  }

  void mutate(const std::vector<Candidate>& parents, int wanted, std::vector<Genes>& out) override {
    RandomStream stream(options_.seed, "evolution/mutation", generation_);
    collect(stream, wanted, kAttemptsPerChild * wanted, out, [&](Genes& genes) {
      genes = draw_parent(stream, parents);
      for (std::size_t g = 0; g < genes.size(); ++g) {
        if (stream.uniform_double() < options_.mutation_probability) genes[g] = draw_gene(stream, g);
      }
    });
  }

  void cross(const std::vector<Candidate>& parents, int wanted, std::vector<Genes>& out) override {
    RandomStream stream(options_.seed, "evolution/crossover", generation_);
    collect(stream, wanted, kAttemptsPerChild * wanted, out, [&](Genes& genes) {
      const Genes* const from[2] = {&draw_parent(stream, parents), &draw_parent(stream, parents)};
      genes.resize(choices_.size());
      for (std::size_t g = 0; g < genes.size(); ++g) genes[g] = (*from[stream.below(2)])[g];
    });
  }

  RandomAcceptance acceptance() const override { return acceptance_; }

 private:
  std::int8_t draw_gene(RandomStream& stream, std::size_t gene) const {
    return std::int8_t(stream.below(choices_[gene]));
  }
  static const Genes& draw_parent(RandomStream& stream, const std::vector<Candidate>& parents) {
    return parents[stream.below(std::uint32_t(parents.size()))].genes;
  }

  // Most proposals late in a search are repetitions: they cost a look-up, no allocation.
  template <class Propose>
  void collect(RandomStream& stream, int wanted, std::int64_t attempts, std::vector<Genes>& out,
               Propose propose) {
    Genes genes;
    for (int found = 0; found < wanted && attempts > 0; --attempts) {
      propose(genes);
      space_.repair(genes, [&](std::uint32_t n) { return stream.below(n); });
      if (!met_.insert(genes)) continue;
      ++met_count_;
      if (!space_.legal(genes)) continue;
      out.push_back(genes);
      ++found;
    }
  }

  const EvolutionSpace& space_;
  const EvolutionOptions options_;
  std::uint64_t generation_ = 0;
  std::vector<std::uint32_t> choices_;  // of each gene
  GeneSet met_;                         // repaired proposals, legal or not
  std::int64_t met_count_ = 0;
  RandomAcceptance acceptance_;
};

}  // namespace

std::unique_ptr<Proposer> make_corrected_proposer(const EvolutionSpace& space,
                                                  const EvolutionOptions& options) {
  return std::make_unique<CorrectedProposer>(space, options);
}

}  // namespace rlnas
