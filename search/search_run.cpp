#include "search/search_run.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <limits>
#include <sstream>

#include "engine/atomic_file.h"
#include "engine/crc32.h"
#include "kernels/check.h"
#include "search/evolution_state.h"
#include "search/exhaustive.h"
#include "search/rank_agreement.h"
#include "search/search_sharing.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

// Spaces up to this size are known by enumeration index, and can be searched exhaustively.
constexpr std::int64_t kEnumerable = 10'000'000;

bool enumerable(const EvolutionSpace& space) {
  return gene_strings(space, kEnumerable) < kEnumerable;
}

// Those that every report tells, and the score's.
std::vector<std::string> told_indicators(const Score& score, bool has_supernet) {
  std::vector<std::string> names;
  if (has_supernet) names = {"angle", "op-angle-sum"};
  names.insert(names.end(), {"macs", "params"});
  for (const std::string& name : score.indicators)
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  return names;
}

class Teller {
 public:
  Teller(const SearchSpace& space, const Score& score, bool has_supernet)
      : space_(space),
        score_(score),
        names_(told_indicators(score, has_supernet)),
        quick_({space}, quick_names()) {}

  std::vector<IndicatorInfo> infos() const {
    std::vector<IndicatorInfo> infos;
    for (const std::string& name : names_) infos.push_back(indicator_info(name));
    return infos;
  }
  // Values of all told indicators. A measured one is among the candidate's own, or not known: NaN.
  std::vector<double> values(const Candidate& candidate) {
    const std::vector<double> quick = quick_.measure(std::span(&candidate.genes, 1));
    auto next_quick = quick.begin();
    std::vector<double> values;
    for (const std::string& name : names_) {
      const auto term = std::size_t(std::ranges::find(score_.indicators, name) - score_.indicators.begin());
      if (!is_measured(name))
        values.push_back(*next_quick++);
      else
        values.push_back(term < candidate.values.size() ? candidate.values[term]
                                                        : std::numeric_limits<double>::quiet_NaN());
    }
    return values;
  }
  FoundArchitecture describe(const Candidate& candidate) {
    const Genes& genes = candidate.genes;
    FoundArchitecture found{
        .genes = genes, .text = space_.text(genes), .values = values(candidate), .score = candidate.score};
    if (space_.space().benchmark_size() > 0) found.benchmark_index = space_.space().benchmark_index(genes);
    if (enumerable(space_)) found.enumeration_index = enumeration_index(space_, genes);
    return found;
  }

 private:
  std::vector<std::string> quick_names() const {
    std::vector<std::string> names;
    std::ranges::copy_if(names_, std::back_inserter(names),
                         [](const std::string& name) { return !is_measured(name); });
    return names;
  }

  const SearchSpace& space_;
  const Score& score_;
  std::vector<std::string> names_;
  IndicatorMeasure quick_;
};

// Everything a saved value or the order of candidates depends on; generations may be raised on resuming.
std::string fingerprint(const SearchConfig& config, const EvolutionOptions& o,
                        const std::vector<AngleSums>& sums, const std::string& stamps) {
  const SpaceSpec& space = config.space;
  std::ostringstream text;
  text << space.name << " score=" << config.score.name << " method=" << word_of(config.method)
       << " compat=" << int(o.compat) << " seed=" << o.seed << " population=" << o.population
       << " parents=" << o.top << " mutants=" << o.mutants << " crossovers=" << o.crossovers
       << " mutation=" << o.mutation_probability << " labels=" << o.label_draws << "x" << o.label_classes
       << " classes=" << space.classes << " image=" << space.image_size
       << " max_macs=" << space.constraint.max_macs << " max_params=" << space.constraint.max_params
       << " measured=" << stamps << " sums=" << std::hex
       << crc32_of(sums.data(), sums.size() * sizeof(AngleSums));
  return text.str();
}

EvolutionRun run_generations(const SearchConfig& config, const std::vector<AngleSums>& sums,
                             const std::string& stamps, const SearchSpace& space, Measure& measure,
                             const GenerationObserver& observer) {
  EvolutionOptions options = config.evolution;
  if (config.method == SearchMethod::random) options.mutants = options.crossovers = 0;
  const std::string name = fingerprint(config, options, sums, stamps);
  std::vector<Candidate> replay;
  if (config.start == SearchStart::resume) {
    RLNAS_CHECK(!config.state_path.empty(), usage,
                "--resume: name the directory of the saved search with --out");
    replay = read_search_state(config.state_path, name);
  }
  GenerationObserver after = observer;
  if (!config.state_path.empty()) {
    const std::filesystem::path parent = std::filesystem::path(config.state_path).parent_path();
    remove_stale_temporaries(parent.empty() ? "." : parent.string());
    after = [&](const EvolutionRun& run) {
      write_search_state(config.state_path, name, run);
      if (observer) observer(run);
    };
  }
  return evolve(space, measure, options, replay, after);
}

// Over the candidates evaluated where the score was measured, else over the whole space.
void add_correlations(SearchReport& report, const GroundTruth& truth, const SearchSpace& space,
                      Teller& teller, Measure& measure, std::vector<Candidate> candidates) {
  if (!report.config.score.needs().measured()) {
    std::vector<Genes> all;
    const std::int64_t size = gene_strings(space, kEnumerable);
    for (std::int64_t i = 0; i < size; ++i) all.push_back(genes_at(space, i));
    candidates = evaluate(space, measure, std::move(all));
    score_candidates(candidates);
  }
  report.correlated = std::int64_t(candidates.size());
  if (candidates.size() < 2) return;
  std::vector<std::vector<double>> values(report.indicators.size());  // [indicator][candidate]
  std::vector<double> scores;
  std::vector<Comparison::Item> items;
  for (const Candidate& candidate : candidates) {
    const std::vector<double> told = teller.values(candidate);
    for (std::size_t k = 0; k < told.size(); ++k) values[k].push_back(told[k]);
    scores.push_back(candidate.score);
    items.push_back({candidate.genes, candidate.macs});
  }
  const Comparison comparison(space.space(), items);
  report.correlated_live = std::int64_t(comparison.live_count());
  for (const TruthColumn& column : truth.columns) {
    ColumnCorrelation& all = report.correlations.emplace_back();
    all.column = column.name;
    std::vector<double> accuracy;
    for (const Candidate& candidate : candidates)
      accuracy.push_back(column.accuracy[std::size_t(enumeration_index(space, candidate.genes))]);
    for (const std::vector<double>& of_indicator : values)
      all.indicators.push_back(comparison.agreement(of_indicator, accuracy));
    all.score = comparison.agreement(scores, accuracy);
    all.best = standing_of(column, int(report.best().enumeration_index));
    for (const FoundArchitecture& found : report.top) {
      const double of_found = column.accuracy[std::size_t(found.enumeration_index)];
      all.best_of_top = std::max(all.best_of_top, of_found);
      all.mean_of_top += of_found / double(report.top.size());
    }
  }
}

Optimum find_optimum(const SearchSpace& space) {
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

void read_scores(ScoreBook& book, const SearchConfig& config, const Space& space,
                 const NetworkClasses& classes) {
  const auto key_of = [&](const std::string& indicator, const Genes& genes) {
    return book_key(classes, indicator, genes);
  };
  for (const std::string& path : config.known_scores) book.read("--scores", path, space, key_of);
  if (config.start == SearchStart::resume && std::filesystem::exists(config.scores_path))
    book.read("--resume:", config.scores_path, space, key_of);
}

void check_search(const SearchSpace& space, const SearchConfig& config) {
  RLNAS_CHECK(config.score.adds_up() || (config.method != SearchMethod::exact && !config.report_gap), usage,
              "--score ", config.score.name,
              ": the exact search maximises the angle; leave out --method exact and --gap, or --score");
  RLNAS_CHECK(config.top_count > 0, usage, "--top ", config.top_count, ": must be positive");
  const bool has_generations =
      config.method == SearchMethod::evolution || config.method == SearchMethod::random;
  RLNAS_CHECK(has_generations || config.score.needs().measured() || config.start == SearchStart::fresh, usage,
              "--resume: --method ", word_of(config.method), " has nothing to resume");
  for (const std::string& name : config.score.indicators)
    find_indicator(name).group->check_space(space.space());
  RLNAS_CHECK(config.truth_path.empty() || space.space().benchmark_size() > 0, usage,
              "--truth: tables of true accuracies exist for ", spaces_with_benchmark(),
              " alone; leave it out");
}

// `computed`: what measures candidates, here or on all ranks; `supernet`: null where it takes none.
SearchReport search_in(const SearchSpace& space, SearchMeasures& measures, PartialMeasure& computed,
                       const SuperNetData* supernet, const SearchConfig& config,
                       const std::vector<AngleSums>& sums, const MeasureHooks& hooks) {
  // The tables are read first, so that a bad file ends the run before anything is written.
  const GroundTruth truth =
      config.truth_path.empty() ? GroundTruth{} : read_ground_truth(config.truth_path, space.space());
  std::shared_ptr<const NetworkClasses> classes;
  ScoreBook book;
  MeasureHooks own_hooks = hooks;
  std::string stamps;
  for (const std::string& name : config.score.indicators)
    if (is_measured(name)) {
      const std::string stamp = measures.stamp_of(name);
      stamps += name + ": " + stamp + "; ";
      book.set_stamp(name, stamp);
    }
  if (measures.measures()) {
    classes = std::make_shared<NetworkClasses>(space.space());
    read_scores(book, config, space.space(), *classes);
    if (!config.scores_path.empty())
      own_hooks.save = [&](const ScoreBook& scores) {
        write_file_atomically(config.scores_path, scores.csv(space.space()));
      };
  }
  BookedMeasure measure(config.score.indicators, computed, measures.quick(), book, own_hooks, classes);

  Teller teller(space, config.score, !sums.empty());
  SearchReport report;
  report.config = config;
  report.indicators = teller.infos();
  if (enumerable(space)) report.space_size = gene_strings(space, kEnumerable);
  if (config.method == SearchMethod::exact || config.report_gap) {
    const Optimum optimum = find_optimum(space);
    report.optimum = {optimum, teller.describe({.genes = optimum.genes})};
  }
  std::vector<Candidate> candidates;
  std::vector<int> generation_of;
  if (config.method == SearchMethod::exact) {
    candidates = evaluate(space, measure, {report.optimum->proof.genes});
    score_candidates(candidates);
  } else if (config.method == SearchMethod::exhaustive) {
    candidates = exhaustive_search(space, measure);
  } else {
    EvolutionRun run = run_generations(config, sums, stamps, space, measure, hooks.generation);
    candidates = std::move(run.evaluated);
    generation_of = std::move(run.generation_of);
    report.generations = run.generations;
    report.short_generations = run.short_generations;
    report.acceptance = run.acceptance;
  }
  for (const Candidate& c : candidates) report.evaluated.push_back(teller.describe(c));
  for (std::size_t i = 0; i < generation_of.size(); ++i) report.evaluated[i].generation = generation_of[i];
  for (const TruthColumn& column : truth.columns) {
    report.truth_columns.push_back(column.name);
    for (FoundArchitecture& found : report.evaluated)
      found.accuracies.push_back(column.accuracy[std::size_t(found.enumeration_index)]);
  }
  int ranked = 0;
  for (const std::size_t place : ranking(candidates, config.evolution.compat)) {
    FoundArchitecture& found = report.evaluated[place];
    found.rank = ++ranked;
    if (ranked <= config.top_count) report.top.push_back(found);
  }
  report.drawing = space.drawing(report.best().genes);
  report.networks_computed = measure.computed();
  report.profile = measures.profile();
  if (supernet != nullptr) report.tried_on = supernet->description();
  if (classes) report.networks_in_space = classes->count();
  if (!truth.columns.empty()) add_correlations(report, truth, space, teller, measure, std::move(candidates));
  return report;
}

// Null where the score does not need it.
std::unique_ptr<const SuperNetData> supernet_of(const SearchConfig& config) {
  const Needs needs = config.score.needs();
  if (!needs.weights) return nullptr;
  RLNAS_CHECK(!config.supernet.weights.empty(), usage, "--score ", config.score.name,
              ": needs a SuperNet; name one with --supernet DIR");
  return std::make_unique<const SuperNetData>(config.supernet, config.space.classes, needs);
}

std::unique_ptr<SearchSpace> space_of(const SearchConfig& config, const std::vector<AngleSums>& sums) {
  RLNAS_CHECK(!sums.empty() || !config.score.needs().supernet, usage, "--score ", config.score.name,
              ": needs a SuperNet; name one with --supernet DIR");
  return sums.empty() ? make_search_space(config.space) : make_search_space(config.space, sums);
}

}  // namespace

int SearchReport::place_of(std::string_view indicator) const {
  for (std::size_t k = 0; k < indicators.size(); ++k)
    if (indicator == indicators[k].name) return int(k);
  return -1;
}

SearchReport run_search(const SearchConfig& config, const std::vector<AngleSums>& sums,
                        const MeasureHooks& hooks) {
  const InterruptionScope interruption(hooks.stops);
  const std::unique_ptr<SearchSpace> space = space_of(config, sums);
  check_search(*space, config);
  const std::unique_ptr<const SuperNetData> supernet = supernet_of(config);
  SearchMeasures measures(*space, config.score, config.probe, config.device, supernet.get());
  return search_in(*space, measures, measures.computed(), supernet.get(), config, sums, hooks);
}

SearchReport run_search(const SearchConfig& config, const std::vector<AngleSums>& sums,
                        Communicator& communicator, const MeasureHooks& hooks) {
  if (communicator.size() == 1) return run_search(config, sums, hooks);
  SearchConfig shared = config;
  if (shared.device.threads == 0) shared.device.threads = threads_of_rank(communicator.place());
  std::vector<AngleSums> shared_sums = sums;
  share_search(shared, shared_sums, communicator);
  const std::unique_ptr<SearchSpace> space = space_of(shared, shared_sums);
  if (communicator.rank() == 0) check_search(*space, config);
  const std::unique_ptr<const SuperNetData> supernet = supernet_of(shared);
  SearchMeasures measures(*space, shared.score, shared.probe, shared.device, supernet.get());
  SearchReport report;
  if (communicator.rank() == 0) {
    ShardedMeasure sharded(measures.computed(), communicator);
    try {
      report = search_in(*space, measures, sharded, supernet.get(), config, sums, hooks);
    } catch (const Interrupted&) {
      sharded.finish();
      throw;
    }
    sharded.finish();
  } else {
    serve_measure(measures.computed(), space->gene_count(), communicator);
  }
  communicator.barrier("end of the search");
  return report;
}

std::vector<double> score_architectures(const SearchConfig& config, const std::vector<AngleSums>& sums,
                                        std::span<const Genes> architectures, const MeasureHooks& hooks) {
  const InterruptionScope interruption(hooks.stops);
  const std::unique_ptr<SearchSpace> space = space_of(config, sums);
  for (const std::string& name : config.score.indicators)
    find_indicator(name).group->check_space(space->space());
  const std::unique_ptr<const SuperNetData> supernet = supernet_of(config);
  SearchMeasures measures(*space, config.score, config.probe, config.device, supernet.get());
  ScoreBook book;
  std::shared_ptr<const NetworkClasses> classes;
  if (measures.measures()) classes = std::make_shared<NetworkClasses>(space->space());
  BookedMeasure measure(config.score.indicators, measures.computed(), measures.quick(), book, hooks, classes);
  return measure.measure(architectures);
}

}  // namespace rlnas
