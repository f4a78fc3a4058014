// rlnas/search.hpp: search/ behind text and plain structs.
#include "rlnas/search.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>

#include "engine/interruption.h"
#include "kernels/check.h"
#include "rlnas/kernels.hpp"
#include "search/angle.h"
#include "search/export/export_files.h"
#include "search/export/export_source.h"
#include "search/preparation.h"
#include "search/report/report_files.h"
#include "search/search_measures.h"
#include "search/search_report.h"
#include "search/search_request.h"
#include "search/spaces.h"

namespace rlnas::search {

std::vector<std::string> spaces() {
  std::vector<std::string> names;
  for (const Space* space : all_spaces()) names.push_back(space->name());
  return names;
}

Architecture describe(const std::string& space, const std::string& arch, int classes, int image_size) {
  const std::string name = find_space(space).name();
  const SearchDefaults& defaults = search_defaults(name);
  const std::unique_ptr<SearchSpace> searched =
      make_search_space({.name = name,
                         .classes = classes == 0 ? defaults.classes : classes,
                         .image_size = image_size == 0 ? defaults.image_size : image_size});
  const Genes genes = searched->parse(arch);
  Architecture found{.arch = searched->text(genes),
                     .macs = searched->macs(genes),
                     .params = searched->params(genes),
                     .drawing = searched->drawing(genes),
                     .json = description_json(*searched, genes)};
  if (searched->space().benchmark_size() > 0)
    found.benchmark_index = searched->space().benchmark_index(genes);
  return found;
}

std::vector<std::string> sample(const std::string& space, int count) {
  RLNAS_CHECK(count >= 0, usage, "a sample of ", count, " architectures");
  const Space& of = find_space(space);
  std::vector<std::string> texts;
  for (const Genes& genes : of.angle_sample(count)) texts.push_back(of.text(genes));
  return texts;
}

// ---- angles of weights in memory

std::vector<TensorShape> supernet_tensors(const std::string& space, int classes) {
  std::vector<TensorShape> tensors;
  for (const Segment& segment : supernet_segments(find_space(space).name(), classes))
    tensors.push_back({segment.name, segment.shape});
  return tensors;
}

namespace {

std::vector<double> angles_in(const SearchSpace& space, const std::vector<std::string>& architectures) {
  std::vector<double> angles;
  angles.reserve(architectures.size());
  for (const std::string& text : architectures) angles.push_back(space.angle_rad(space.parse(text)));
  return angles;
}

}  // namespace

std::vector<double> angles_of(const std::string& space, int classes, std::span<const TensorWeights> weights,
                              const std::vector<std::string>& architectures) {
  const std::string name = find_space(space).name();
  const SegmentTable segments = supernet_segments(name, classes);
  std::map<std::string, const TensorWeights*> by_name;
  for (const TensorWeights& tensor : weights) {
    RLNAS_CHECK(segments.find(tensor.name) >= 0, usage, "the SuperNet of ", name, " has no tensor ",
                tensor.name);
    RLNAS_CHECK(by_name.emplace(tensor.name, &tensor).second, usage, "tensor ", tensor.name, " comes twice");
  }
  const kernels::Device device({.name = "cpu"});
  std::vector<AngleSums> sums;
  for (const Segment& segment : segments) {
    const auto found = by_name.find(segment.name);
    RLNAS_CHECK(found != by_name.end(), usage, "the SuperNet of ", name, " has a tensor ", segment.name,
                ", of which there are no weights");
    const TensorWeights& tensor = *found->second;
    RLNAS_CHECK(tensor.count == segment.count && tensor.initial != nullptr && tensor.trained != nullptr,
                usage, "tensor ", segment.name, ": ", tensor.count, " weights of ", segment.count);
    const kernels::TensorSpan whole{0, segment.count};
    sums.push_back(kernels::AngleTable(device, {&whole, 1}).sums(tensor.initial, tensor.trained).front());
  }
  check_sums(segments, sums);
  SpaceSpec spec{.name = name, .classes = classes, .image_size = search_defaults(name).image_size};
  return angles_in(*make_search_space(spec, sums), architectures);
}

// ---- indicators and searches

std::vector<Indicator> indicators() {
  std::vector<Indicator> list;
  for (const IndicatorInfo& info : indicator_list())
    list.push_back({.name = info.name,
                    .help = info.help,
                    .needs_supernet = info.needs.supernet || info.needs.weights,
                    .needs_images = info.needs.images});
  return list;
}

namespace {

MeasureHooks hooks_of(const Callbacks& callbacks, const Space& space) {
  MeasureHooks hooks{.stops = callbacks.should_stop};
  if (callbacks.measured)
    hooks.progress = [&callbacks](const MeasureProgress& now) {
      callbacks.measured(now.done, now.total, now.seconds);
    };
  if (callbacks.generation)
    hooks.generation = [&callbacks, &space](const EvolutionRun& run) {
      const Candidate& best = run.top.front();
      callbacks.generation(
          {run.generations, std::int64_t(run.evaluated.size()), space.text(best.genes), best.score});
    };
  return hooks;
}

Found found_of(const FoundArchitecture& found) {
  return {found.text, found.score, found.values, found.rank, found.generation, found.benchmark_index};
}

Report report_of(const SearchReport& made) {
  Report report;
  for (const IndicatorInfo& info : made.indicators) report.indicators.emplace_back(info.name);
  for (const FoundArchitecture& found : made.evaluated) report.evaluated.push_back(found_of(found));
  for (const FoundArchitecture& found : made.top) report.top.push_back(found_of(found));
  if (made.optimum)
    report.optimum = {found_of(made.optimum->architecture), made.optimum->proof.proven,
                      made.optimum->proof.bound_rad};
  std::ostringstream text;
  print_report(text, made);
  report.text = text.str();
  report.json = report_json(made);
  report.csv = report_csv(made);
  report.profile = made.profile;
  return report;
}

void make_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  RLNAS_CHECK(std::filesystem::is_directory(path, error), data, "--out ", path, ": cannot be created");
}

}  // namespace

Report run(const Options& options, const Callbacks& callbacks) {
  const OwnIndicators own(options.own);
  const InterruptionScope interruption(callbacks.should_stop);
  const PreparationScope preparation(callbacks.preparing);
  try {
    SearchInput input = search_input(options);
    if (!options.out.empty()) make_directory(options.out);
    const ReportFiles files({options.report, options.report_runs}, options.supernet);
    keep_in(options.out, input.config);
    const SearchReport made =
        run_search(input.config, input.sums, hooks_of(callbacks, find_space(input.config.space.name)));
    if (files.wanted()) files.write(made);
    return report_of(made);
  } catch (const Interrupted&) {
    Report report;
    report.interrupted = true;
    return report;
  }
}

std::vector<std::string> terms_of(const Options& options) {
  const OwnIndicators own(options.own);
  return parse_score(options.score).indicators;
}

std::vector<double> scores(const Options& options, const std::vector<std::string>& architectures,
                           const Callbacks& callbacks) {
  const OwnIndicators own(options.own);
  const InterruptionScope interruption(callbacks.should_stop);
  const PreparationScope preparation(callbacks.preparing);
  try {
    const SearchInput input = search_input(options);
    const Space& space = find_space(input.config.space.name);
    std::vector<Genes> genes;
    for (const std::string& text : architectures) genes.push_back(space.parse(text));
    return score_architectures(input.config, input.sums, genes, hooks_of(callbacks, space));
  } catch (const Interrupted&) {
    fail(ErrorCode::interrupted, "interrupted");
  }
}

std::vector<std::string> export_network(const ExportOptions& options, const std::vector<std::string>& files) {
  const std::vector<ExportRequest> requests = parse_exports(files);
  const ExportNetwork network = read_export_network({.space = options.space,
                                                     .arch = options.arch,
                                                     .trained = options.trained,
                                                     .supernet = options.supernet,
                                                     .classes = options.classes,
                                                     .image_size = options.image_size});
  std::vector<std::string> written;
  for (const ExportRequest& request : requests)
    for (std::string& file : write_export(request, network)) written.push_back(std::move(file));
  return written;
}

}  // namespace rlnas::search
