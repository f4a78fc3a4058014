#include "search/search_run.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "engine/atomic_file.h"
#include "engine/crc32.h"
#include "kernels/check.h"
#include "search/evolution_state.h"
#include "search/exhaustive.h"
#include "search/sharded_space.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

// Spaces up to this size are known by enumeration index, and can be searched exhaustively.
constexpr std::int64_t kEnumerable = 10'000'000;

bool enumerable(const EvolutionSpace& space) {
  return gene_strings(space, kEnumerable) < kEnumerable;
}

FoundArchitecture describe_found(const Genes& genes, const SearchSpace& space) {
  FoundArchitecture found;
  found.genes = genes;
  found.text = space.text(genes);
  found.numbers = space.numbers(genes);
  if (enumerable(space)) found.enumeration_index = enumeration_index(space, genes);
  found.angle_rad = space.angle_rad(genes);
  found.op_angle_sum = space.op_angle_sum(genes);
  found.macs = space.macs(genes);
  found.params = space.params(genes);
  return found;
}

// Everything a saved score or the order of candidates depends on; generations may be raised on resuming.
std::string fingerprint(const SearchConfig& config, const EvolutionOptions& o,
                        const std::vector<AngleSums>& sums) {
  const SpaceSpec& space = config.space;
  std::ostringstream text;
  text << space.name << " score=" << to_string(space.score) << " method=" << to_string(config.method)
       << " compat=" << int(o.compat) << " seed=" << o.seed << " population=" << o.population
       << " parents=" << o.top << " mutants=" << o.mutants << " crossovers=" << o.crossovers
       << " mutation=" << o.mutation_probability << " labels=" << o.label_draws << "x" << o.label_classes
       << " classes=" << space.classes << " image=" << space.image_size
       << " max_macs=" << space.constraint.max_macs << " max_params=" << space.constraint.max_params
       << " sums=" << std::hex << crc32_of(sums.data(), sums.size() * sizeof sums[0]);
  return text.str();
}

EvolutionRun run_generations(const SearchConfig& config, const std::vector<AngleSums>& sums,
                             const EvolutionSpace& space) {
  EvolutionOptions options = config.evolution;
  if (config.method == SearchMethod::random) options.mutants = options.crossovers = 0;
  const std::string name = fingerprint(config, options, sums);
  std::vector<Candidate> replay;
  if (config.start == SearchStart::resume) {
    RLNAS_CHECK(!config.state_path.empty(), usage,
                "--resume: name the directory of the saved search with --out");
    replay = read_search_state(config.state_path, name);
  }
  GenerationObserver save;
  if (!config.state_path.empty()) {
    const std::filesystem::path parent = std::filesystem::path(config.state_path).parent_path();
    remove_stale_temporaries(parent.empty() ? "." : parent.string());
    save = [&](const EvolutionRun& run) { write_search_state(config.state_path, name, run); };
  }
  return evolve(space, options, replay, save);
}

// Scores of the whole space by enumeration index.
struct SpaceScores {
  std::vector<double> angle, op_angle_sum, macs, params;

  explicit SpaceScores(const SearchSpace& space) {
    const std::int64_t size = gene_strings(space, kEnumerable);
    for (std::int64_t i = 0; i < size; ++i) {
      const Genes genes = genes_at(space, i);
      angle.push_back(space.angle_rad(genes));
      op_angle_sum.push_back(space.op_angle_sum(genes));
      macs.push_back(double(space.macs(genes)));
      params.push_back(double(space.params(genes)));
    }
  }
};

std::vector<ColumnCorrelation> correlations_with(const GroundTruth& truth, const SearchSpace& space,
                                                 const FoundArchitecture& best) {
  const SpaceScores scores(space);
  std::vector<ColumnCorrelation> correlations;
  for (const TruthColumn& column : truth.columns)
    correlations.push_back({column.name, rank_correlation(scores.angle, column.accuracy),
                            rank_correlation(scores.op_angle_sum, column.accuracy),
                            rank_correlation(scores.macs, column.accuracy),
                            rank_correlation(scores.params, column.accuracy),
                            standing_of(column, int(best.enumeration_index))});
  return correlations;
}

SearchSpace::Optimum find_optimum(const SearchSpace& space, const SearchConfig& config) {
  RLNAS_CHECK(config.space.score == ScoreKind::angle, usage, "--score ", to_string(config.space.score),
              ": the exact search maximises the angle; leave out --method exact and --gap, or --score");
  SearchSpace::Optimum optimum = space.exact();
  RLNAS_CHECK(!optimum.genes.empty(), usage,
              "no architecture is within the limits: raise --max-mflops or --max-params");
  return optimum;
}

void check_search(const SearchSpace& space, const SearchConfig& config) {
  RLNAS_CHECK(config.top_count > 0, usage, "--top ", config.top_count, ": must be positive");
  const bool has_generations =
      config.method == SearchMethod::evolution || config.method == SearchMethod::random;
  RLNAS_CHECK(has_generations || config.start == SearchStart::fresh, usage, "--resume: --method ",
              to_string(config.method), " has nothing to resume");
  RLNAS_CHECK(config.truth_path.empty() || space.name() == "nasbench201", usage,
              "--truth: tables of true accuracies exist for nasbench201 alone; leave it out");
  RLNAS_CHECK(!config.report_gap || space.searches_exactly(), usage, "--gap: ", space.name(),
              " has no exact search to compare with; leave it out");
}

// `asked`: `space`, or what asks all ranks for its scores.
SearchReport search_in(const SearchSpace& space, const EvolutionSpace& asked, const SearchConfig& config,
                       const std::vector<AngleSums>& sums) {
  check_search(space, config);
  // The table is read first, so that a bad file ends the run before anything is written.
  const GroundTruth truth = config.truth_path.empty() ? GroundTruth{} : read_ground_truth(config.truth_path);

  SearchReport report;
  report.config = config;
  if (enumerable(space)) report.space_size = gene_strings(space, kEnumerable);
  if (config.method == SearchMethod::exact || config.report_gap) {
    const SearchSpace::Optimum optimum = find_optimum(space, config);
    report.optimum = {optimum, describe_found(optimum.genes, space)};
  }
  std::vector<Candidate> candidates;
  std::vector<int> generation_of;
  if (config.method == SearchMethod::exact) {
    candidates = evaluate(space, {report.optimum->proof.genes});
  } else if (config.method == SearchMethod::exhaustive) {
    candidates = exhaustive_search(asked);
  } else {
    EvolutionRun run = run_generations(config, sums, asked);
    candidates = std::move(run.evaluated);
    generation_of = std::move(run.generation_of);
    report.generations = run.generations;
    report.short_generations = run.short_generations;
    report.acceptance = run.acceptance;
  }
  for (const Candidate& c : candidates) report.evaluated.push_back(describe_found(c.genes, space));
  for (std::size_t i = 0; i < generation_of.size(); ++i) report.evaluated[i].generation = generation_of[i];
  int ranked = 0;
  for (const std::size_t place : ranking(candidates, config.evolution.compat)) {
    FoundArchitecture& found = report.evaluated[place];
    found.rank = ++ranked;
    if (ranked <= config.top_count) report.top.push_back(found);
  }
  report.drawing = space.drawing(report.best().genes);
  if (!truth.columns.empty()) report.correlations = correlations_with(truth, space, report.best());
  return report;
}

// What rank 0 tells the others, for them to make the same space; strings travel on their own.
struct SharedSpec {
  int classes, image_size;
  ScoreKind score;
  Constraint constraint;
  Compat compat;
};

std::unique_ptr<SearchSpace> share_space(SpaceSpec spec, std::vector<AngleSums> sums,
                                         Communicator& communicator) {
  SharedSpec shared{spec.classes, spec.image_size, spec.score, spec.constraint, spec.compat};
  communicator.broadcast_all(spec.name, "space");
  communicator.broadcast_value(shared, "space");
  communicator.broadcast_all(sums, "angles");
  spec.classes = shared.classes;
  spec.image_size = shared.image_size;
  spec.score = shared.score;
  spec.constraint = shared.constraint;
  spec.compat = shared.compat;
  return make_search_space(spec, sums);
}

}  // namespace

SearchMethod parse_search_method(std::string_view text) {
  for (const auto method :
       {SearchMethod::evolution, SearchMethod::exhaustive, SearchMethod::random, SearchMethod::exact}) {
    if (text == to_string(method)) return method;
  }
  fail(ErrorCode::usage, "--method ", text, ": known are evolution, exhaustive, random and exact");
}

std::string_view to_string(SearchMethod method) {
  switch (method) {
    case SearchMethod::evolution:
      return "evolution";
    case SearchMethod::exhaustive:
      return "exhaustive";
    case SearchMethod::exact:
      return "exact";
    case SearchMethod::random:
      break;
  }
  return "random";
}

SearchReport run_search(const SearchConfig& config, const std::vector<AngleSums>& sums) {
  const std::unique_ptr<SearchSpace> space = make_search_space(config.space, sums);
  return search_in(*space, *space, config, sums);
}

SearchReport run_search(const SearchConfig& config, const std::vector<AngleSums>& sums,
                        Communicator& communicator) {
  if (communicator.size() == 1) return run_search(config, sums);
  const std::unique_ptr<SearchSpace> space = share_space(config.space, sums, communicator);
  SearchReport report;
  if (communicator.rank() == 0) {
    const ShardedSpace sharded(*space, communicator);
    report = search_in(*space, sharded, config, sums);
    sharded.finish();
  } else {
    serve_scores(*space, communicator);
  }
  communicator.barrier("end of the search");
  return report;
}

}  // namespace rlnas
