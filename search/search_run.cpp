#include "search/search_run.h"

#include <algorithm>
#include <sstream>

#include "engine/crc32.h"
#include "kernels/check.h"
#include "search/evolution_state.h"
#include "search/exhaustive.h"
#include "search/nasbench201/counts.h"
#include "search/sharded_space.h"

namespace rlnas {
namespace {

using nasbench201::AngleTable;
using nasbench201::Cell;
using nasbench201::kSpaceSize;

FoundArchitecture describe_found(const Cell& cell, const AngleTable& table, const SearchConfig& config) {
  const nasbench201::SpaceSpec& space = config.space;
  return {cell,
          nasbench201::benchmark_index(cell),
          nasbench201::enumeration_index(cell),
          nasbench201::angle_rad(table, cell),
          nasbench201::op_angle_sum(table, cell),
          nasbench201::macs(cell, space.classes, space.image_size),
          nasbench201::params(cell, space.classes)};
}

// Everything a saved score or the order of candidates depends on; generations may be raised on resuming.
std::string fingerprint(const SearchConfig& config, const EvolutionOptions& o, const AngleTable& table) {
  std::ostringstream text;
  text << "nasbench201 score=" << to_string(config.space.score) << " method=" << to_string(config.method)
       << " compat=" << int(o.compat) << " seed=" << o.seed << " population=" << o.population
       << " parents=" << o.top << " mutants=" << o.mutants << " crossovers=" << o.crossovers
       << " mutation=" << o.mutation_probability << " labels=" << o.label_draws << "x" << o.label_classes
       << " classes=" << config.space.classes << " image=" << config.space.image_size
       << " max_macs=" << config.space.constraint.max_macs
       << " max_params=" << config.space.constraint.max_params << " table=" << std::hex
       << crc32_of(&table, sizeof table);
  return text.str();
}

EvolutionRun run_generations(const SearchConfig& config, const AngleTable& table,
                             const EvolutionSpace& space) {
  EvolutionOptions options = config.evolution;
  if (config.method == SearchMethod::random) options.mutants = options.crossovers = 0;
  const std::string name = fingerprint(config, options, table);
  std::vector<Candidate> replay;
  if (config.start == SearchStart::resume) {
    RLNAS_CHECK(!config.state_path.empty(), usage,
                "--resume: name the directory of the saved search with --out");
    replay = read_search_state(config.state_path, name);
  }
  GenerationObserver save;
  if (!config.state_path.empty()) {
    save = [&](const EvolutionRun& run) { write_search_state(config.state_path, name, run); };
  }
  return evolve(space, options, replay, save);
}

// Scores of the whole space by enumeration index.
struct SpaceScores {
  std::vector<double> angle, op_angle_sum, macs, params;

  SpaceScores(const AngleTable& table, const SearchConfig& config) {
    for (int i = 0; i < kSpaceSize; ++i) {
      const FoundArchitecture found = describe_found(nasbench201::cell_at(i), table, config);
      angle.push_back(found.angle_rad);
      op_angle_sum.push_back(found.op_angle_sum);
      macs.push_back(double(found.macs));
      params.push_back(double(found.params));
    }
  }
};

SearchReport search_in(const EvolutionSpace& space, const SearchConfig& config, const AngleTable& table) {
  RLNAS_CHECK(config.top_count > 0, usage, "--top ", config.top_count, ": must be positive");
  RLNAS_CHECK(config.method != SearchMethod::exhaustive || config.start == SearchStart::fresh, usage,
              "--resume: --method exhaustive has nothing to resume");
  // The table is read first, so that a bad file ends the run before anything is written.
  const GroundTruth truth = config.truth_path.empty() ? GroundTruth{} : read_ground_truth(config.truth_path);

  SearchReport report{config, {}, {}, 0, {}};
  std::vector<Candidate> candidates;
  if (config.method == SearchMethod::exhaustive) {
    candidates = exhaustive_search(space);
  } else {
    EvolutionRun run = run_generations(config, table, space);
    candidates = std::move(run.evaluated);
    report.generations = run.generations;
  }
  for (const Candidate& c : candidates) {
    report.evaluated.push_back(describe_found(nasbench201::cell_of_genes(c.genes), table, config));
  }
  rank_candidates(candidates, config.evolution.compat);
  candidates.resize(std::min(candidates.size(), std::size_t(config.top_count)));
  for (const Candidate& c : candidates) {
    report.top.push_back(describe_found(nasbench201::cell_of_genes(c.genes), table, config));
  }

  if (truth.columns.empty()) return report;
  const SpaceScores scores(table, config);
  for (const TruthColumn& column : truth.columns) {
    report.correlations.push_back({column.name, rank_correlation(scores.angle, column.accuracy),
                                   rank_correlation(scores.op_angle_sum, column.accuracy),
                                   rank_correlation(scores.macs, column.accuracy),
                                   rank_correlation(scores.params, column.accuracy),
                                   standing_of(column, report.best().enumeration_index)});
  }
  return report;
}

}  // namespace

SearchMethod parse_search_method(std::string_view text) {
  for (const auto method : {SearchMethod::evolution, SearchMethod::exhaustive, SearchMethod::random}) {
    if (text == to_string(method)) return method;
  }
  fail(ErrorCode::usage, "--method ", text, ": known are evolution, exhaustive and random");
}

std::string_view to_string(SearchMethod method) {
  switch (method) {
    case SearchMethod::evolution:
      return "evolution";
    case SearchMethod::exhaustive:
      return "exhaustive";
    case SearchMethod::random:
      break;
  }
  return "random";
}

SearchReport run_search(const SearchConfig& config, const AngleTable& table) {
  return search_in(nasbench201::CellSpace(table, config.space), config, table);
}

SearchReport run_search(const SearchConfig& config, const AngleTable& table, Communicator& communicator) {
  if (communicator.size() == 1) return run_search(config, table);
  struct {
    nasbench201::SpaceSpec spec;
    AngleTable table;
  } shared{config.space, table};
  communicator.broadcast_value(shared, "angles");
  const nasbench201::CellSpace space(shared.table, shared.spec);
  SearchReport report{config, {}, {}, 0, {}};
  if (communicator.rank() == 0) {
    const ShardedSpace sharded(space, communicator);
    report = search_in(sharded, config, table);
    sharded.finish();
  } else {
    serve_scores(space, communicator);
  }
  communicator.barrier("end of the search");
  return report;
}

}  // namespace rlnas
