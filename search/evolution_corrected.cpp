#include <set>

#include "engine/philox.h"
#include "search/evolution_operators.h"

namespace rlnas {
namespace {

// Proposals tried before an operator settles for fewer candidates than asked for. Random candidates get the
// published bound of the one space that had any; children get a share per candidate wanted.
constexpr int kRandomAttempts = 50000;
constexpr int kAttemptsPerChild = 200;

class CorrectedProposer final : public Proposer {
 public:
  CorrectedProposer(const EvolutionSpace& space, const EvolutionOptions& options)
      : space_(space), options_(options) {}

  void begin_generation(int generation) override { generation_ = std::uint64_t(generation); }

  void random(int wanted, std::vector<Genes>& out) override {
    RandomStream stream(options_.seed, "evolution/random", generation_);
    collect(stream, wanted, kRandomAttempts, out, [&] {
      Genes genes(std::size_t(space_.gene_count()));
      for (int g = 0; g < space_.gene_count(); ++g) genes[std::size_t(g)] = draw_gene(stream, g);
      return genes;
    });
  }

  void mutate(const std::vector<Candidate>& parents, int wanted, std::vector<Genes>& out) override {
    RandomStream stream(options_.seed, "evolution/mutation", generation_);
    collect(stream, wanted, kAttemptsPerChild * wanted, out, [&] {
      Genes genes = draw_parent(stream, parents);
      for (int g = 0; g < space_.gene_count(); ++g) {
        if (stream.uniform_double() < options_.mutation_probability) {
          genes[std::size_t(g)] = draw_gene(stream, g);
        }
      }
      return genes;
    });
  }

  void cross(const std::vector<Candidate>& parents, int wanted, std::vector<Genes>& out) override {
    RandomStream stream(options_.seed, "evolution/crossover", generation_);
    collect(stream, wanted, kAttemptsPerChild * wanted, out, [&] {
      Genes genes = draw_parent(stream, parents);
      const Genes& other = draw_parent(stream, parents);
      for (std::size_t g = 0; g < genes.size(); ++g) {
        if (stream.below(2) == 1) genes[g] = other[g];
      }
      return genes;
    });
  }

 private:
  std::int8_t draw_gene(RandomStream& stream, int gene) const {
    return std::int8_t(stream.below(std::uint32_t(space_.choices(gene))));
  }
  static const Genes& draw_parent(RandomStream& stream, const std::vector<Candidate>& parents) {
    return parents[stream.below(std::uint32_t(parents.size()))].genes;
  }

  template <class Propose>
  void collect(RandomStream& stream, int wanted, int attempts, std::vector<Genes>& out, Propose propose) {
    for (int found = 0; found < wanted && attempts > 0; --attempts) {
      Genes genes = propose();
      space_.repair(genes, [&](std::uint32_t n) { return stream.below(n); });
      if (!space_.legal(genes) || !visited_.insert(genes).second) continue;
      out.push_back(std::move(genes));
      ++found;
    }
  }

  const EvolutionSpace& space_;
  const EvolutionOptions options_;
  std::uint64_t generation_ = 0;
  std::set<Genes> visited_;
};

}  // namespace

std::unique_ptr<Proposer> make_corrected_proposer(const EvolutionSpace& space,
                                                  const EvolutionOptions& options) {
  return std::make_unique<CorrectedProposer>(space, options);
}

}  // namespace rlnas
