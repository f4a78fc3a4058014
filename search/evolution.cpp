#include "search/evolution.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include "engine/interruption.h"
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

// The children of `parents` and random candidates to fill up; the first generation has no parents.
std::vector<Genes> propose_population(Proposer& proposer, const EvolutionSpace& space,
                                      const EvolutionOptions& options,
                                      const std::vector<Candidate>& parents) {
  std::vector<Genes> population;
  if (!parents.empty()) {
    if (options.compat == Compat::megvii && space.published_search() == PublishedSearch::count_attempts) {
      std::vector<Genes> crossovers;
      proposer.cross(parents, options.crossovers, crossovers);
      proposer.mutate(parents, options.population - int(crossovers.size()), population);
      population.insert(population.end(), crossovers.begin(), crossovers.end());
    } else {
      proposer.mutate(parents, options.mutants, population);
      proposer.cross(parents, options.crossovers, population);
    }
  }
  proposer.random(options.population - int(population.size()), population);
  return population;
}

// The population's candidates: those that the saved state holds are taken from it.
std::vector<Candidate> evaluate_or_replay(const EvolutionSpace& space, Measure& measure,
                                          std::vector<Genes> population, const std::vector<Candidate>& replay,
                                          std::size_t position) {
  std::vector<Candidate> candidates;
  const std::size_t saved = std::min(population.size(), replay.size() - std::min(position, replay.size()));
  for (std::size_t i = 0; i < saved; ++i) {
    RLNAS_CHECK(replay[position + i].genes == population[i], data,
                "the saved search state does not belong to this search: its candidate ", position + i,
                " differs (was it made with other options?)");
    RLNAS_CHECK(replay[position + i].values.size() == std::size_t(measure.values()), data,
                "the saved search state is damaged: its candidate ", position + i, " has ",
                replay[position + i].values.size(), " values, not ", measure.values());
    candidates.push_back(replay[position + i]);
  }
  population.erase(population.begin(), population.begin() + std::ptrdiff_t(saved));
  for (Candidate& fresh : evaluate(space, measure, std::move(population)))
    candidates.push_back(std::move(fresh));
  return candidates;
}

}  // namespace

namespace {

// Ranks 1 .. n of value `k` of each candidate, the largest last.
std::vector<double> mean_ranks(std::span<const Candidate> candidates, std::size_t k) {
  const auto value = [&](std::size_t i) {
    const double v = candidates[i].values[k];
    return std::isnan(v) ? -std::numeric_limits<double>::infinity() : v;
  };
  std::vector<std::size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return value(i) < value(j); });
  std::vector<double> ranks(candidates.size());
  for (std::size_t first = 0, end; first < order.size(); first = end) {
    for (end = first + 1; end < order.size() && value(order[end]) == value(order[first]);) ++end;
    for (std::size_t i = first; i < end; ++i) ranks[order[i]] = double(first + 1 + end) / 2.0;
  }
  return ranks;
}

}  // namespace

void score_candidates(std::span<Candidate> candidates) {
  if (candidates.empty()) return;
  const std::size_t terms = candidates.front().values.size();
  if (terms == 1) {
    for (Candidate& candidate : candidates) candidate.score = candidate.values.front();
    return;
  }
  for (Candidate& candidate : candidates) candidate.score = 0.0;
  for (std::size_t k = 0; k < terms; ++k) {
    const std::vector<double> ranks = mean_ranks(candidates, k);
    for (std::size_t i = 0; i < candidates.size(); ++i)
      candidates[i].score += std::log(ranks[i] / double(candidates.size()));
  }
}

std::vector<Candidate> evaluate(const EvolutionSpace& space, Measure& measure, std::vector<Genes> genes) {
  const std::vector<double> values = measure.measure(genes);
  const std::ptrdiff_t each = measure.values();
  std::vector<Candidate> candidates;
  candidates.reserve(genes.size());
  for (auto first = values.begin(); Genes & one : genes) {
    const std::int64_t macs = space.macs(one);
    candidates.push_back({std::move(one), 0.0, macs, {first, first + each}});
    first += each;
  }
  return candidates;
}

bool better(const Candidate& a, const Candidate& b) {
  if (a.score != b.score) return a.score > b.score;
  return std::tie(a.macs, a.genes) < std::tie(b.macs, b.genes);
}

std::vector<std::size_t> ranking(const std::vector<Candidate>& candidates, Compat compat) {
  std::vector<std::size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) {
    const Candidate &a = candidates[i], &b = candidates[j];
    return compat == Compat::none ? better(a, b) : a.score > b.score;
  });
  return order;
}

void rank_candidates(std::vector<Candidate>& candidates, Compat compat) {
  std::vector<Candidate> ranked;
  ranked.reserve(candidates.size());
  for (const std::size_t place : ranking(candidates, compat)) ranked.push_back(std::move(candidates[place]));
  candidates = std::move(ranked);
}

EvolutionRun evolve(const EvolutionSpace& space, Measure& measure, const EvolutionOptions& options,
                    const std::vector<Candidate>& replay, const GenerationObserver& observer) {
  check_options(options);
  const std::unique_ptr<Proposer> proposer = options.compat == Compat::megvii
                                                 ? make_published_proposer(space, options)
                                                 : make_corrected_proposer(space, options);
  EvolutionRun run;
  while (run.generations < options.generations) {
    check_interruption();
    proposer->begin_generation(run.generations);
    std::vector<Genes> population = propose_population(*proposer, space, options, run.top);
    run.acceptance = proposer->acceptance();
    if (int(population.size()) < options.population) ++run.short_generations;
    if (population.empty()) break;  // every legal candidate in reach has been evaluated

    for (Candidate& candidate :
         evaluate_or_replay(space, measure, std::move(population), replay, run.evaluated.size()))
      run.evaluated.push_back(std::move(candidate));
    score_candidates(run.evaluated);
    run.top.clear();
    for (const std::size_t place : ranking(run.evaluated, options.compat)) {
      if (run.top.size() == std::size_t(options.top)) break;
      run.top.push_back(run.evaluated[place]);
    }
    ++run.generations;
    run.generation_of.resize(run.evaluated.size(), run.generations);
    // Generations that only repeat a saved state have been observed before.
    if (observer && run.evaluated.size() > replay.size()) observer(run);
  }
  RLNAS_CHECK(!run.evaluated.empty(), usage, "no architecture within the limits was found among ",
              run.acceptance.proposals, " random ones: raise --max-mflops or --max-params");
  RLNAS_CHECK(run.evaluated.size() >= replay.size(), data, "the saved search state holds ", replay.size(),
              " evaluations, this search only ", run.evaluated.size(), ": raise --generations");
  return run;
}

}  // namespace rlnas
