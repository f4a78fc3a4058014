// One search of a space, from the angle sums to a report: evolution, random, exhaustive or exact, and on
// NAS-Bench-201 how well both scores and the plain cost rankings agree with true accuracies.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/comm/communicator.h"
#include "search/evolution.h"
#include "search/ground_truth.h"
#include "search/ranking.h"
#include "search/search_space.h"

namespace rlnas {

enum class SearchMethod { evolution, exhaustive, random, exact };
// Errors: usage, naming --method.
SearchMethod parse_search_method(std::string_view text);
std::string_view to_string(SearchMethod method);

enum class SearchStart {
  fresh,
  resume,  // from state_path
};

struct SearchConfig {
  SearchMethod method = SearchMethod::evolution;
  SpaceSpec space;
  EvolutionOptions evolution;  // random search evaluates population * generations candidates
  int top_count = 10;          // architectures listed in the report
  std::string truth_path;      // empty: no correlations
  std::string state_path;      // written after each generation; empty: nowhere. Not for exhaustive and exact.
  SearchStart start = SearchStart::fresh;
  bool report_gap = false;  // of the best found to the optimum; method exact always does
};

struct FoundArchitecture {
  Genes genes;
  std::string text;
  int benchmark_index = -1;            // of a space that has a public benchmark
  std::int64_t enumeration_index = 0;  // of a space that can be enumerated
  std::vector<double> values;          // of SearchReport::indicators
  int generation = 0;                  // that evaluated it, from 1; 0 where the method has none
  int rank = 0;                        // among the evaluated, by the score searched for; 1 is the best
};

// Rank correlations with one column of true accuracies, over the whole space.
struct ColumnCorrelation {
  std::string column;
  std::vector<RankCorrelation> indicators;  // of SearchReport::indicators
  Standing best;                            // of the architecture found
};

struct SearchReport {
  SearchConfig config;
  std::vector<IndicatorInfo> indicators;     // that are told of every architecture
  std::vector<FoundArchitecture> evaluated;  // in order of evaluation
  std::vector<FoundArchitecture> top;        // best first; at least one
  int generations = 0;                       // of evolution and random search
  int short_generations = 0;                 // of them, EvolutionRun's
  RandomAcceptance acceptance;               // likewise
  std::vector<ColumnCorrelation> correlations;
  std::int64_t space_size = 0;  // gene strings of the space; 0: too many to enumerate
  std::string drawing;          // of the best
  // Of method exact, and with report_gap: what there was to find.
  struct Optimum {
    rlnas::Optimum proof;
    FoundArchitecture architecture;
  };
  std::optional<Optimum> optimum;

  const FoundArchitecture& best() const { return top.front(); }
  // Place of an indicator in the lists; -1: it is not among them.
  int place_of(std::string_view indicator) const;
  double value(const FoundArchitecture& found, std::string_view indicator) const {
    return found.values.at(std::size_t(place_of(indicator)));
  }
};

// Errors: usage (options out of range, nothing within the limits), data (truth table, state file).
// sums: the three sums of each of supernet_segments(). Determinism: a function of config and sums.
SearchReport run_search(const SearchConfig& config, const std::vector<AngleSums>& sums);

// The same over the ranks of a run: rank 0 searches, the others score their share of its candidates and get
// an empty report. Config and sums of rank 0 count; it alone reads and writes files.
// Errors: also communication. Determinism: the report of one process.
SearchReport run_search(const SearchConfig& config, const std::vector<AngleSums>& sums,
                        Communicator& communicator);

}  // namespace rlnas
