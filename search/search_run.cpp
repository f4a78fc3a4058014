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

// Those that every report tells, and the one that ranked.
std::vector<std::string> told_indicators(const std::string& score) {
  std::vector<std::string> names{"angle", "op-angle-sum", "macs", "params"};
  if (std::find(names.begin(), names.end(), score) == names.end()) names.push_back(score);
  return names;
}

class Teller {
 public:
  explicit Teller(const SearchSpace& space) : space_(space) {
    for (const std::string& name : told_indicators(space.spec().score))
      indicators_.push_back(make_indicator(name));
  }

  std::vector<IndicatorInfo> infos() const {
    std::vector<IndicatorInfo> infos;
    for (const auto& indicator : indicators_) infos.push_back(indicator->info());
    return infos;
  }
  std::vector<double> values(const Genes& genes) const {
    std::vector<double> values;
    for (const auto& indicator : indicators_) values.push_back(indicator->score(space_, genes));
    return values;
  }
  FoundArchitecture describe(const Genes& genes) const {
    FoundArchitecture found{.genes = genes, .text = space_.text(genes), .values = values(genes)};
    if (space_.space().benchmark_size() > 0) found.benchmark_index = space_.space().benchmark_index(genes);
    if (enumerable(space_)) found.enumeration_index = enumeration_index(space_, genes);
    return found;
  }

 private:
  const SearchSpace& space_;
  std::vector<std::unique_ptr<Indicator>> indicators_;
};

// Everything a saved score or the order of candidates depends on; generations may be raised on resuming.
std::string fingerprint(const SearchConfig& config, const EvolutionOptions& o,
                        const std::vector<AngleSums>& sums) {
  const SpaceSpec& space = config.space;
  std::ostringstream text;
  text << space.name << " score=" << space.score << " method=" << to_string(config.method)
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

std::vector<ColumnCorrelation> correlations_with(const GroundTruth& truth, const SearchSpace& space,
                                                 const Teller& teller, const FoundArchitecture& best) {
  std::vector<std::vector<double>> scores(best.values.size());  // [indicator][enumeration index]
  const std::int64_t size = gene_strings(space, kEnumerable);
  for (std::int64_t i = 0; i < size; ++i) {
    const std::vector<double> values = teller.values(genes_at(space, i));
    for (std::size_t k = 0; k < values.size(); ++k) scores[k].push_back(values[k]);
  }
  std::vector<ColumnCorrelation> correlations;
  for (const TruthColumn& column : truth.columns) {
    ColumnCorrelation& all = correlations.emplace_back();
    all.column = column.name;
    for (const std::vector<double>& score : scores)
      all.indicators.push_back(rank_correlation(score, column.accuracy));
    all.best = standing_of(column, int(best.enumeration_index));
  }
  return correlations;
}

Optimum find_optimum(const SearchSpace& space, const SearchConfig& config) {
  RLNAS_CHECK(space.indicator().info().adds_up, usage, "--score ", config.space.score,
              ": the exact search maximises the angle; leave out --method exact and --gap, or --score");
  Optimum optimum = space.exact();
  RLNAS_CHECK(!optimum.genes.empty(), usage,
              "no architecture is within the limits: raise --max-mflops or --max-params");
  return optimum;
}

std::string spaces_with_benchmark() {
  std::string names;
  for (const Space* space : all_spaces())
    if (space->benchmark_size() > 0) names += (names.empty() ? "" : ", ") + space->name();
  return names;
}

void check_search(const SearchSpace& space, const SearchConfig& config) {
  RLNAS_CHECK(config.top_count > 0, usage, "--top ", config.top_count, ": must be positive");
  const bool has_generations =
      config.method == SearchMethod::evolution || config.method == SearchMethod::random;
  RLNAS_CHECK(has_generations || config.start == SearchStart::fresh, usage, "--resume: --method ",
              to_string(config.method), " has nothing to resume");
  RLNAS_CHECK(config.truth_path.empty() || space.space().benchmark_size() > 0, usage,
              "--truth: tables of true accuracies exist for ", spaces_with_benchmark(),
              " alone; leave it out");
}

// `asked`: `space`, or what asks all ranks for its scores.
SearchReport search_in(const SearchSpace& space, const EvolutionSpace& asked, const SearchConfig& config,
                       const std::vector<AngleSums>& sums) {
  check_search(space, config);
  // The table is read first, so that a bad file ends the run before anything is written.
  const GroundTruth truth =
      config.truth_path.empty() ? GroundTruth{} : read_ground_truth(config.truth_path, space.space());

  const Teller teller(space);
  SearchReport report;
  report.config = config;
  report.indicators = teller.infos();
  if (enumerable(space)) report.space_size = gene_strings(space, kEnumerable);
  if (config.method == SearchMethod::exact || config.report_gap) {
    const Optimum optimum = find_optimum(space, config);
    report.optimum = {optimum, teller.describe(optimum.genes)};
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
  for (const Candidate& c : candidates) report.evaluated.push_back(teller.describe(c.genes));
  for (std::size_t i = 0; i < generation_of.size(); ++i) report.evaluated[i].generation = generation_of[i];
  int ranked = 0;
  for (const std::size_t place : ranking(candidates, config.evolution.compat)) {
    FoundArchitecture& found = report.evaluated[place];
    found.rank = ++ranked;
    if (ranked <= config.top_count) report.top.push_back(found);
  }
  report.drawing = space.drawing(report.best().genes);
  if (!truth.columns.empty()) report.correlations = correlations_with(truth, space, teller, report.best());
  return report;
}

// What rank 0 tells the others, for them to make the same space; strings travel on their own.
struct SharedSpec {
  int classes, image_size;
  Constraint constraint;
  Compat compat;
};

std::unique_ptr<SearchSpace> share_space(SpaceSpec spec, std::vector<AngleSums> sums,
                                         Communicator& communicator) {
  SharedSpec shared{spec.classes, spec.image_size, spec.constraint, spec.compat};
  communicator.broadcast_all(spec.name, "space");
  communicator.broadcast_all(spec.score, "score");
  communicator.broadcast_value(shared, "space");
  communicator.broadcast_all(sums, "angles");
  spec.classes = shared.classes;
  spec.image_size = shared.image_size;
  spec.constraint = shared.constraint;
  spec.compat = shared.compat;
  return make_search_space(spec, sums);
}

}  // namespace

int SearchReport::place_of(std::string_view indicator) const {
  for (std::size_t k = 0; k < indicators.size(); ++k)
    if (indicator == indicators[k].name) return int(k);
  return -1;
}

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
