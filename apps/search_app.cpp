#include "apps/search_app.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <limits>
#include <optional>

#include "apps/cli.h"
#include "apps/progress_printer.h"
#include "apps/search_options.h"
#include "apps/signal_guard.h"
#include "kernels/check.h"
#include "search/export/export_files.h"
#include "search/export/export_source.h"
#include "search/report/report_files.h"
#include "search/report/run_comparison.h"
#include "search/run_directory.h"
#include "search/search_report.h"
#include "search/search_request.h"
#include "search/search_run.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

// Whose published constants are the defaults: that of --space, or of the run that is searched. One of a file
// by what it says, not by where it lies.
std::string space_asked_for(int argc, const char* const* argv) {
  search::Options request;
  request.space = peek_option(argc, argv, "space");
  request.supernet = peek_option(argc, argv, "supernet");
  return space_of_request(request);
}

// The run directory keeps what a search saves unless --out names another; a read-only run can still be
// searched.
std::string output_directory(const search::Options& o) {
  if (!o.out.empty()) {
    std::error_code error;
    std::filesystem::create_directories(o.out, error);
    RLNAS_CHECK(std::filesystem::is_directory(o.out), data, "--out ", o.out, ": cannot be created");
    return o.out;
  }
  return o.supernet.empty() || (!o.resume && ::access(o.supernet.c_str(), W_OK) != 0) ? "" : o.supernet;
}

// "measured 128 of 4930 networks, 0.35 s each, 28m01s left": on a terminal a line that renews itself.
class MeasurePrinter {
 public:
  MeasurePrinter(std::ostream& err, Display display) : err_(err), display_(display) {}
  void operator()(const MeasureProgress& progress) {
    const bool terminal = display_ == Display::terminal, ends = progress.done >= progress.total;
    const double between_s = terminal ? 0.2 : 10.0;
    if (display_ == Display::quiet || (progress.seconds < next_s_ && !ends)) return;
    next_s_ = ends ? between_s : progress.seconds + between_s;
    if (progress.seconds < between_s / 2) return;
    const double each_s = progress.seconds / double(progress.done),
                 left_s = each_s * double(progress.total - progress.done);
    char text[128];
    std::snprintf(text, sizeof text, "measured %lld of %lld networks, %.3f s each, %s left",
                  static_cast<long long>(progress.done), static_cast<long long>(progress.total), each_s,
                  duration_text(left_s).c_str());
    err_ << (terminal ? "\r\033[K" : "") << text << (terminal && !ends ? "" : "\n") << std::flush;
  }

 private:
  std::ostream& err_;
  Display display_;
  double next_s_ = 0.0;
};

Display display_of(const SearchOptions& o, const std::ostream& err) {
  if (o.quiet) return Display::quiet;
  return &err == &std::cerr && isatty(STDERR_FILENO) != 0 ? Display::terminal : Display::plain;
}

// Writes what --export asks for, and says what was written.
void write_exports(const ExportNetwork& network, const std::vector<ExportRequest>& requests,
                   std::ostream& out) {
  out << "exported weights     " << network.weights << '\n';
  for (const ExportRequest& request : requests)
    for (const std::string& file : write_export(request, network))
      out << "exported             " << file << '\n';
}

// space: that of --space, or of the run directory.
int run_describe(const SearchOptions& o, const std::string& space_name, std::ostream& out,
                 std::ostream& err) {
  const search::Options& request = o.request;
  RLNAS_CHECK(
      request.init.empty() && (!o.exports.empty() || (request.supernet.empty() && request.trained.empty())),
      usage,
      "--describe needs no SuperNet: leave out --supernet, --init and --trained, or --describe; with "
      "--export one of --supernet and --trained names the weights");
  RLNAS_CHECK(o.csv.empty() && request.truth.empty() && request.report.empty() && !request.resume, usage,
              "--describe does not search: leave out --csv, --truth, --report and --resume");
  const std::vector<ExportRequest> requests = parse_exports(o.exports);
  std::optional<ExportNetwork> network;
  if (!requests.empty())
    network = read_export_network({.space = request.space,
                                   .arch = o.describe,
                                   .trained = request.trained,
                                   .supernet = request.supernet,
                                   .classes = request.classes,
                                   .image_size = request.image_size});
  SpaceSpec spec;
  spec.name = network ? network->space : space_name;
  const SearchDefaults defaults = search_defaults(spec.name);
  spec.classes = network ? network->classes : request.classes == 0 ? defaults.classes : request.classes;
  spec.image_size = request.image_size == 0 ? defaults.image_size : request.image_size;
  const std::unique_ptr<SearchSpace> space = make_search_space(spec);
  const Genes genes = space->parse(o.describe);
  if (network) write_exports(*network, requests, o.json == "-" ? err : out);
  if (o.json == "-") {
    out << description_json(*space, genes);
    return 0;
  }
  if (!o.json.empty()) write_report_file("--json", o.json, description_json(*space, genes));
  print_description(out, *space, genes);
  return 0;
}

int run_compare(const SearchOptions& o, std::ostream& out) {
  const search::Options& request = o.request;
  RLNAS_CHECK(request.supernet.empty() && request.init.empty() && request.trained.empty() &&
                  o.describe.empty() && o.exports.empty() && o.csv.empty() && request.truth.empty() &&
                  request.report.empty() && request.report_runs.empty() && !request.resume,
              usage, "--compare reads what searches left and makes none: beside it --json alone is of use");
  const std::vector<ReportedRun> runs = read_compared_runs(o.compared);
  if (!o.json.empty() && o.json != "-") write_report_file("--json", o.json, comparison_json(runs));
  out << (o.json == "-" ? comparison_json(runs) : comparison_text(runs));
  return 0;
}

int run_search_app(const SearchOptions& o, std::ostream& out, std::ostream& err) {
  const search::Options& request = o.request;
  const SearchConfig asked = search_config(request);
  RLNAS_CHECK(o.exports.empty(), usage, "--export: say of which architecture with --describe ARCH");
  RLNAS_CHECK(o.csv.empty() || o.csv == "-" || o.csv != o.json, usage, "--csv and --json name the same file ",
              o.csv);
  RLNAS_CHECK(!request.device.profile || asked.score.needs().measured(), usage, "--profile: --score ",
              request.score, " takes no passes over networks; leave it out");
  RLNAS_CHECK(o.csv != "-", usage, "--csv -: only --json can go to standard output");

  const std::unique_ptr<Communicator> communicator = join_ranks(o.comm);
  if (communicator->rank() != 0) {
    run_search(asked, {}, *communicator);  // measures what rank 0 asks for
    return 0;
  }
  SearchInput input = search_input(request);
  const std::string directory = output_directory(request);
  const ReportFiles report_files({request.report, request.report_runs}, request.supernet);
  keep_in(directory, input.config);

  SignalGuard guard;
  SearchReport report;
  try {
    report = run_search(input.config, input.sums, *communicator,
                        {.stops = [] { return SignalGuard::caught() != 0; },
                         .progress = MeasurePrinter(err, display_of(o, err))});
  } catch (const Interrupted&) {
    err << "rlnas_search: interrupted; "
        << (directory.empty()
                ? "name a directory with --out to keep what was measured"
                : "what was measured is in " + input.config.scores_path + ", go on with --resume")
        << '\n';
    return 128 + SignalGuard::caught();
  }
  if (!o.csv.empty()) write_report_file("--csv", o.csv, report_csv(report));
  if (report_files.wanted()) report_files.write(report);
  if (o.json == "-") {
    out << report_json(report);
    err << report.profile;
    return 0;
  }
  if (!o.json.empty()) write_report_file("--json", o.json, report_json(report));
  print_report(out, report);
  if (!report.profile.empty()) out << '\n' << report.profile;
  return 0;
}

}  // namespace

int search_main(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  SearchOptions options;
  std::string space;
  const AppInfo info{"rlnas_search",
                     "Finds the architecture that an indicator ranks highest: by default that whose SuperNet "
                     "weights turned furthest.",
                     RLNAS_VERSION};
  return run_app(
      info, argc, argv, {out, err},
      [&](CLI::App& app) {
        space = space_asked_for(argc, argv);
        declare_search_options(app, options, space);
      },
      [&] {
        options.choices.parse_words();
        if (!options.compared.empty()) return run_compare(options, out);
        if (!options.request.space.empty()) options.request.space = space;
        return options.describe.empty() ? run_search_app(options, out, err)
                                        : run_describe(options, space, out, err);
      });
}

}  // namespace rlnas
