#include "search/evolution.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "kernels/check.h"
#include "search/evolution_operators.h"

namespace rlnas {
namespace {

void check_options(const EvolutionOptions& o) {
  RLNAS_CHECK(o.population > 0, usage, "--population ", o.population, ": must be positive");
  RLNAS_CHECK(o.top > 0, usage, "--parents ", o.top, ": must be positive");
  RLNAS_CHECK(o.generations > 0, usage, "--generations ", o.generations, ": must be positive");
  RLNAS_CHECK(o.mutants >= 0, usage, "--mutants ", o.mutants, ": must not be negative");
  RLNAS_CHECK(o.crossovers >= 0, usage, "--crossovers ", o.crossovers, ": must not be negative");
  RLNAS_CHECK(std::int64_t(o.mutants) + o.crossovers <= o.population, usage, "--mutants ", o.mutants,
              " and --crossovers ", o.crossovers, " together exceed --population ", o.population);
  RLNAS_CHECK(o.mutation_probability >= 0.0 && o.mutation_probability <= 1.0, usage,
              "--mutation-probability ", o.mutation_probability, ": must be in 0..1");
  if (o.compat != Compat::megvii) return;
  RLNAS_CHECK(o.seed <= std::numeric_limits<std::uint32_t>::max(), usage, "--seed ", o.seed,
              ": --compat megvii needs a seed below 2^32");
  RLNAS_CHECK(o.label_draws >= 0 && o.label_classes > 0, usage, "--label-draws ", o.label_draws,
              ": must not be negative");
}

Candidate evaluate(const EvolutionSpace& space, Genes genes, const std::vector<Candidate>& replay,
                   std::size_t position) {
  if (position >= replay.size()) {
    Candidate fresh{std::move(genes), 0.0, 0};
    fresh.score = space.score(fresh.genes);
    fresh.macs = space.macs(fresh.genes);
    return fresh;
  }
  RLNAS_CHECK(replay[position].genes == genes, data,
              "the saved search state does not belong to this search: its candidate ", position,
              " differs (was it made with other options?)");
  return replay[position];
}

}  // namespace

bool better(const Candidate& a, const Candidate& b) {
  if (a.score != b.score) return a.score > b.score;
  return std::tie(a.macs, a.genes) < std::tie(b.macs, b.genes);
}

void rank_candidates(std::vector<Candidate>& candidates, Compat compat) {
  if (compat == Compat::none) {
    std::sort(candidates.begin(), candidates.end(), better);
  } else {
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  }
}

EvolutionRun evolve(const EvolutionSpace& space, const EvolutionOptions& options,
                    const std::vector<Candidate>& replay, const GenerationObserver& observer) {
  check_options(options);
  const std::unique_ptr<Proposer> proposer = options.compat == Compat::megvii
                                                 ? make_published_proposer(space, options)
                                                 : make_corrected_proposer(space, options);
  EvolutionRun run;
  while (run.generations < options.generations) {
    proposer->begin_generation(run.generations);
    std::vector<Genes> population;
    if (run.generations > 0) {
      proposer->mutate(run.top, options.mutants, population);
      proposer->cross(run.top, options.crossovers, population);
    }
    proposer->random(options.population - int(population.size()), population);
    if (population.empty()) break;  // every legal candidate in reach has been evaluated

    for (Genes& genes : population) {
      run.evaluated.push_back(evaluate(space, std::move(genes), replay, run.evaluated.size()));
      run.top.push_back(run.evaluated.back());
    }
    rank_candidates(run.top, options.compat);
    if (run.top.size() > std::size_t(options.top)) run.top.resize(std::size_t(options.top));
    ++run.generations;
    // Generations that only repeat a saved state have been observed before.
    if (observer && run.evaluated.size() > replay.size()) observer(run);
  }
  RLNAS_CHECK(!run.evaluated.empty(), usage,
              "no architecture within the limits was found: raise --max-mflops or --max-params");
  RLNAS_CHECK(run.evaluated.size() >= replay.size(), data, "the saved search state holds ", replay.size(),
              " evaluations, this search only ", run.evaluated.size(), ": raise --generations");
  return run;
}

}  // namespace rlnas
