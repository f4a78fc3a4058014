// Evolutionary search over fixed-length gene strings, for any space that can say what is legal, and anything
// that measures its candidates. Source: method.md 8.1, B.4, B.6. Under Compat::none three things are
// corrected against the published code: mutation may propose every value of every gene (published: never
// `none` on NAS-Bench-201, never a reduction cell on DARTS), every proposal loop is bounded (published:
// mutation can spin for ever once the neighbourhood is used up), and equal scores are ordered by fewer MACs,
// then lower genes (published: by arrival). Draws come from Philox streams keyed by generation.
// Compat::megvii follows the published draws bit for bit.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "rlnas/search_options.hpp"
#include "search/genes.h"

namespace rlnas {

// Values that published mutation draws for a gene: low .. high-1; empty: the gene is left alone.
struct GeneRange {
  int low = 0;
  int high = 0;
};

// How the published code of a space fills a generation, always drawing proposals ten at a time.
enum class PublishedSearch {
  // NAS-Bench-201 and DARTS: mutants, crossovers, then random ones. A raw proposal that was seen before is
  // skipped
  // and does not count.
  skip_seen,
  // MobileNet: crossovers are drawn first, then mutants up to the whole population, random ones only if both
  // ran
  // dry; mutants come first in the population. Every proposal counts against 1000 attempts per candidate.
  count_attempts,
};

class EvolutionSpace {
 public:
  virtual ~EvolutionSpace() = default;
  virtual int gene_count() const = 0;
  virtual int choices(int gene) const = 0;
  virtual GeneRange published_mutation_range(int gene) const { return {0, choices(gene)}; }
  virtual PublishedSearch published_search() const { return PublishedSearch::skip_seen; }
  // Makes a raw proposal valid, drawing from below(n); does nothing where every gene string is valid.
  virtual void repair(Genes&, const std::function<std::uint32_t(std::uint32_t)>& /*below*/) const {}
  virtual bool legal(const Genes& genes) const = 0;  // within the constraint
  virtual std::int64_t macs(const Genes& genes) const = 0;
};

// What says how good candidates are.
class Measure {
 public:
  virtual ~Measure() = default;
  // Of each candidate; more is better. With several a candidate's score is the sum of the logarithms of its
  // ranks in them.
  virtual int values() const = 0;
  // Values of the candidates one after the other: [candidate][values()].
  virtual std::vector<double> measure(std::span<const Genes> candidates) = 0;
};

struct Candidate {
  Genes genes;
  double score = 0.0;
  std::int64_t macs = 0;
  std::vector<double> values = {};  // that make the score

  friend bool operator==(const Candidate&, const Candidate&) = default;
};

// Sets the scores of all candidates that there are: the value itself, or of several values the sum of ln(rank
// / number of candidates). The largest value has the highest rank; equal ones share their mean rank; NaN is
// below all others. Source: AZ-NAS, 3.5.
void score_candidates(std::span<Candidate> candidates);

// Higher score, then fewer MACs, then lower genes (on NAS-Bench-201: lower enumeration index).
bool better(const Candidate& a, const Candidate& b);
// Places of the candidates, best first: by better() under Compat::none, by score alone and else in their
// order under Compat::megvii.
std::vector<std::size_t> ranking(const std::vector<Candidate>& candidates, Compat compat);
// Sorts them so.
void rank_candidates(std::vector<Candidate>& candidates, Compat compat);

// The candidates with their values and costs, in the same order; they have no scores yet.
std::vector<Candidate> evaluate(const EvolutionSpace& space, Measure& measure, std::vector<Genes> genes);

// How much of a space is within its constraint, as the search saw it.
struct RandomAcceptance {
  std::int64_t proposals = 0;  // random ones, repaired and new to the search
  std::int64_t legal = 0;

  double rate() const { return proposals == 0 ? 1.0 : double(legal) / double(proposals); }
};

struct EvolutionRun {
  std::vector<Candidate> evaluated;  // each once, in order of evaluation
  std::vector<int> generation_of;    // each of those, from 1
  std::vector<Candidate> top;        // best first, at most options.top
  int generations = 0;               // done
  RandomAcceptance acceptance;
  int short_generations = 0;  // got fewer than options.population candidates before the attempt bounds
};

// Called after each generation with everything evaluated so far.
using GenerationObserver = std::function<void(const EvolutionRun&)>;

// Runs `options.generations` generations, or fewer when no unvisited legal candidate can be found any more.
// Ranks, and so parents, are among all candidates evaluated so far. `replay` holds the candidates an earlier,
// interrupted run of the same options evaluated, in order: the search is repeated with their values instead
// of measuring them, so that resuming is bit-equal to not stopping. Errors: usage for options out of range,
// or when no legal candidate exists within the attempt bound; data when replay is not a prefix of this
// search. Determinism: a function of space, measure and options.
EvolutionRun evolve(const EvolutionSpace& space, Measure& measure, const EvolutionOptions& options,
                    const std::vector<Candidate>& replay = {}, const GenerationObserver& observer = {});

}  // namespace rlnas
