// One search on NAS-Bench-201, from the angle table to a report: evolution, exhaustive or random, and how
// well both scores and the plain cost rankings agree with true accuracies.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/comm/communicator.h"
#include "search/evolution.h"
#include "search/ground_truth.h"
#include "search/nasbench201/angle_table.h"
#include "search/nasbench201/cell.h"
#include "search/nasbench201/space.h"
#include "search/ranking.h"

namespace rlnas {

enum class SearchMethod { evolution, exhaustive, random };
// Errors: usage, naming --method.
SearchMethod parse_search_method(std::string_view text);
std::string_view to_string(SearchMethod method);

enum class SearchStart {
  fresh,
  resume,  // from state_path
};

struct SearchConfig {
  SearchMethod method = SearchMethod::evolution;
  nasbench201::SpaceSpec space;
  EvolutionOptions evolution;  // random search evaluates population * generations candidates
  int top_count = 10;          // architectures listed in the report
  std::string truth_path;      // empty: no correlations
  std::string state_path;      // written after each generation; empty: nowhere. Not for exhaustive.
  SearchStart start = SearchStart::fresh;
};

struct FoundArchitecture {
  nasbench201::Cell cell;
  int index = 0;  // benchmark index
  int enumeration_index = 0;
  double angle_rad = 0.0;
  double op_angle_sum = 0.0;
  std::int64_t macs = 0;
  std::int64_t params = 0;
};

// Rank correlations with one column of true accuracies, over the whole space.
struct ColumnCorrelation {
  std::string column;
  RankCorrelation angle;
  RankCorrelation op_angle_sum;
  RankCorrelation macs;
  RankCorrelation params;
  Standing best;  // of the architecture found
};

struct SearchReport {
  SearchConfig config;
  std::vector<FoundArchitecture> evaluated;  // in order of evaluation
  std::vector<FoundArchitecture> top;        // best first; at least one
  int generations = 0;                       // of evolution and random search
  std::vector<ColumnCorrelation> correlations;

  const FoundArchitecture& best() const { return top.front(); }
};

// Errors: usage (options out of range, nothing within the limits), data (truth table, state file).
// Determinism: a function of config and table.
SearchReport run_search(const SearchConfig& config, const nasbench201::AngleTable& table);

// The same over the ranks of a run: rank 0 searches, the others score their share of its candidates and get
// an empty report. Table and space of rank 0 count; it alone reads and writes files.
// Errors: also communication. Determinism: the report of one process.
SearchReport run_search(const SearchConfig& config, const nasbench201::AngleTable& table,
                        Communicator& communicator);

}  // namespace rlnas
