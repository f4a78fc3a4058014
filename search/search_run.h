// One search of a space to a report: evolution, random, exhaustive or exact, by any score, and where there is
// a public benchmark how well that score, the angles and the plain counts agree with true accuracies.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/comm/communicator.h"
#include "kernels/words.h"
#include "search/correlations.h"
#include "search/evolution.h"
#include "search/indicator_measure.h"
#include "search/score.h"
#include "search/search_measures.h"
#include "search/search_space.h"
#include "search/supernet_data.h"

namespace rlnas {

template <>
struct Words<SearchMethod> {
  static constexpr Word<SearchMethod> list[] = {{SearchMethod::evolution, "evolution"},
                                                {SearchMethod::exhaustive, "exhaustive"},
                                                {SearchMethod::random, "random"},
                                                {SearchMethod::exact, "exact"}};
};

enum class SearchStart {
  fresh,
  resume,  // from state_path
};

struct SearchConfig {
  SearchMethod method = SearchMethod::evolution;
  SpaceSpec space;
  Score score;
  ProbeConfig probe;
  SuperNetConfig supernet;     // of a score that needs its weights
  SearchDevice device;         // of this rank, where something is measured
  EvolutionOptions evolution;  // random search evaluates population * generations candidates
  int top_count = 10;          // architectures listed in the report
  std::string truth_path;      // empty: no correlations
  std::string state_path;      // written after each generation; empty: nowhere. Not for exhaustive and exact.
  SearchStart start = SearchStart::fresh;
  std::string scores_path;                // measured values are kept there; empty: nowhere
  std::vector<std::string> known_scores;  // tables of values that need not be measured
  bool report_gap = false;                // of the best found to the optimum; method exact always does
};

struct FoundArchitecture {
  Genes genes;
  std::string text;
  int benchmark_index = -1;             // of a space that has a public benchmark
  std::int64_t enumeration_index = 0;   // of a space that can be enumerated
  std::vector<double> values;           // of SearchReport::indicators
  double score = 0.0;                   // that was searched for
  int generation = 0;                   // that evaluated it, from 1; 0 where the method has none
  int rank = 0;                         // among the evaluated, by the score searched for; 1 is the best
  std::vector<double> accuracies = {};  // of SearchReport::truth_columns
};

struct SearchReport {
  SearchConfig config;
  std::vector<IndicatorInfo> indicators;     // that are told of every architecture
  std::vector<FoundArchitecture> evaluated;  // in order of evaluation
  std::vector<FoundArchitecture> top;        // best first; at least one
  int generations = 0;                       // of evolution and random search
  int short_generations = 0;                 // of them, EvolutionRun's
  RandomAcceptance acceptance;               // likewise
  std::vector<std::string> truth_columns;    // of the table of true accuracies; empty: none
  std::vector<ColumnCorrelation> correlations;
  std::int64_t correlated =
      0;  // architectures they are over: all, or those evaluated where a score is measured
  std::int64_t correlated_live = 0;    // of them without unreachable operations
  std::int64_t networks_computed = 0;  // that indicators were measured of in this run
  std::int64_t networks_in_space = 0;  // different ones; 0: not known
  std::int64_t space_size = 0;         // gene strings of the space; 0: too many to enumerate
  std::string tried_on;                // images and labels, where the score has passes of the SuperNet
  std::string drawing;                 // of the best
  std::string profile;                 // with SearchDevice::profile, of rank 0: where the time went
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

// Errors: usage (options out of range, nothing within the limits, a score that needs what is not there), data
// (truth table, state file, tables of scores), Interrupted. sums: the three sums of each of
// supernet_segments(); empty: there is no SuperNet, or its weights before training are not known.
// Determinism: a function of config and sums.
SearchReport run_search(const SearchConfig& config, const std::vector<AngleSums>& sums,
                        const MeasureHooks& hooks = {});

// The same over the ranks of a run: rank 0 searches, the others measure their share of its candidates and get
// an empty report. Config and sums of rank 0 count, but for the device; it alone reads and writes files, but
// for the SuperNet's weights and images, which every rank reads where a score needs them.
// Errors: also communication. Determinism: the report of one process.
SearchReport run_search(const SearchConfig& config, const std::vector<AngleSums>& sums,
                        Communicator& communicator, const MeasureHooks& hooks = {});

// Values of the indicators of config.score for these architectures alone: [architecture][indicator]. Errors,
// determinism: those of run_search.
std::vector<double> score_architectures(const SearchConfig& config, const std::vector<AngleSums>& sums,
                                        std::span<const Genes> architectures, const MeasureHooks& hooks = {});

}  // namespace rlnas
