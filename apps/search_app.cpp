#include "apps/search_app.h"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <iostream>
#include <limits>

#include "apps/cli.h"
#include "apps/comm_options.h"
#include "engine/device.h"
#include "kernels/check.h"
#include "kernels/words.h"
#include "search/checkpoint_angles.h"
#include "search/run_directory.h"
#include "search/search_report.h"
#include "search/search_run.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

constexpr const char* kStateFile = "search_state.json";

struct SearchOptions {
  std::string space, supernet, init, trained, describe;
  std::string method = "evolution", score = "angle", compat = "none";
  std::string device = "cpu";  // the angles take milliseconds, less than a GPU takes to start
  int classes = 0, image_size = 0, top = 10, threads = 0;
  double max_mflops = 0.0;
  std::int64_t max_params = 0;
  EvolutionOptions evolution;
  std::string truth, json, csv, out;
  bool resume = false, gap = false;
  CommOptions comm;
};

std::string score_help() {
  std::string help;
  for (const IndicatorInfo& indicator : indicator_list())
    help += (help.empty() ? "" : "; ") + std::string(indicator.name) + ": " + indicator.help;
  return help;
}

// space: whose published constants are the defaults.
void declare_options(CLI::App& app, SearchOptions& o, const std::string& space) {
  const SearchDefaults defaults = search_defaults(space);
  o.evolution = defaults.evolution;
  o.max_mflops = defaults.max_mflops;
  o.evolution.label_draws = 0;
  app.add_option("--space", o.space,
                 space_names() + " (default: the SuperNet's); the defaults below are its published search")
      ->capture_default_str();
  app.add_option("--supernet", o.supernet, "Run directory: compares its init and latest.safetensors")
      ->type_name("DIR");
  app.add_option("--init", o.init, "Weights before training, instead of the run directory's")
      ->type_name("FILE");
  app.add_option("--trained", o.trained, "Weights after training, instead of the run directory's")
      ->type_name("FILE");
  app.add_option("--describe", o.describe, "Describe one architecture of --space; needs no SuperNet")
      ->type_name("ARCH");
  app.add_option("--method", o.method, "evolution | exhaustive | random | exact: the provably largest angle");
  app.add_option("--score", o.score, score_help());
  app.add_option("--max-mflops", o.max_mflops,
                 "Largest cost in millions of multiply-accumulates; 0: no limit");
  app.add_option("--max-params", o.max_params, "Largest number of parameters; 0: no limit");
  app.add_option("--top", o.top, "How many of the best architectures to list");
  app.add_option("--truth", o.truth, "Table of true accuracies to compare with (.csv or .csv.gz)")
      ->type_name("FILE");
  app.add_option("--json", o.json, "Write the report as JSON; - is standard output")->type_name("FILE");
  app.add_option("--csv", o.csv, "Write every evaluated architecture")->type_name("FILE");
  app.add_option("--out", o.out, "Directory of search_state.json (default: the run directory)")
      ->type_name("DIR");
  app.add_flag("--gap", o.gap, "Also report how far the largest angle found is from the optimum");
  app.add_flag("--resume", o.resume, "Go on from search_state.json");
  app.add_option("--seed", o.evolution.seed, "Seed of the search");
  app.add_option("--population", o.evolution.population, "Architectures per generation");
  app.add_option("--parents", o.evolution.top, "The best so many are parents");
  app.add_option("--mutants", o.evolution.mutants, "Mutants per generation");
  app.add_option("--crossovers", o.evolution.crossovers, "Crossovers per generation");
  app.add_option("--generations", o.evolution.generations, "Generations");
  app.add_option("--mutation-probability", o.evolution.mutation_probability, "Of each gene");
  app.add_option("--compat", o.compat, "none | megvii: the published search, draw for draw");
  app.add_option("--label-draws", o.evolution.label_draws,
                 "With --compat megvii: labels drawn before the search; 0: as the published data set of so "
                 "many classes");
  app.add_option("--classes", o.classes, "Classes of the network counted; 0: the SuperNet's, or 10");
  app.add_option("--image-size", o.image_size, "Image size of the network counted; 0: the published");
  app.add_option("--device", o.device, "Where the angles are computed: auto | cpu | cuda[:N] | ref");
  app.add_option("--threads", o.threads, "CPU threads; 0: all cores");
  declare_comm_options(app, o.comm);
}

Constraint constraint_of(const SearchOptions& o) {
  RLNAS_CHECK(std::isfinite(o.max_mflops) && o.max_mflops >= 0.0 && o.max_mflops <= 1e9, usage,
              "--max-mflops ", o.max_mflops, ": must be in 0..1e9");
  RLNAS_CHECK(o.max_params >= 0, usage, "--max-params ", o.max_params, ": must not be negative");
  Constraint constraint;
  if (o.max_mflops > 0.0) constraint.max_macs = std::llround(o.max_mflops * 1e6);
  if (o.max_params > 0) constraint.max_params = o.max_params;
  return constraint;
}

// Whose published constants are the defaults: that of --space, or of the run that is searched.
std::string space_asked_for(int argc, const char* const* argv) {
  std::string space = peek_option(argc, argv, "space");
  if (space.empty()) space = RunDirectory(peek_option(argc, argv, "supernet")).space();
  return space.empty() ? default_space().name() : space;
}

std::string checkpoint_path(const std::string& file, const std::string& directory, const char* flag,
                            const char* name) {
  if (!file.empty()) return file;
  RLNAS_CHECK(!directory.empty(), usage, "name a SuperNet with --supernet DIR, or with ", flag,
              " FILE; --describe ARCH needs none");
  RLNAS_CHECK(std::filesystem::is_directory(directory), data, "--supernet ", directory,
              ": no such directory");
  return (std::filesystem::path(directory) / name).string();
}

// The run directory keeps the state unless --out names another; a read-only run can still be searched.
std::string state_path(const SearchOptions& o, SearchMethod method) {
  if (method == SearchMethod::exhaustive || method == SearchMethod::exact) return "";
  if (!o.out.empty()) {
    std::error_code error;
    std::filesystem::create_directories(o.out, error);
    RLNAS_CHECK(std::filesystem::is_directory(o.out), data, "--out ", o.out, ": cannot be created");
    return (std::filesystem::path(o.out) / kStateFile).string();
  }
  if (o.supernet.empty() || (!o.resume && ::access(o.supernet.c_str(), W_OK) != 0)) return "";
  return (std::filesystem::path(o.supernet) / kStateFile).string();
}

int run_describe(const SearchOptions& o, std::ostream& out) {
  RLNAS_CHECK(o.supernet.empty() && o.init.empty() && o.trained.empty(), usage,
              "--describe needs no SuperNet: leave out --supernet, --init and --trained, or --describe");
  RLNAS_CHECK(o.csv.empty() && o.truth.empty() && !o.resume, usage,
              "--describe does not search: leave out --csv, --truth and --resume");
  SpaceSpec spec;
  if (!o.space.empty()) spec.name = o.space;
  const SearchDefaults defaults = search_defaults(spec.name);
  spec.classes = o.classes == 0 ? defaults.classes : o.classes;
  spec.image_size = o.image_size == 0 ? defaults.image_size : o.image_size;
  const std::unique_ptr<SearchSpace> space = make_search_space(spec);
  const Genes genes = space->parse(o.describe);
  if (o.json == "-") {
    out << description_json(*space, genes);
    return 0;
  }
  if (!o.json.empty()) write_report_file("--json", o.json, description_json(*space, genes));
  print_description(out, *space, genes);
  return 0;
}

// space: whose constants the options' defaults are.
int run_search_app(const SearchOptions& o, const std::string& space, std::ostream& out) {
  SearchConfig config;
  config.method = parse_search_method(o.method);
  config.space.score = indicator_info(o.score).name;
  config.space.constraint = constraint_of(o);
  config.evolution = o.evolution;
  config.evolution.compat = config.space.compat = parse_word<Compat>("--compat", o.compat);
  config.report_gap = o.gap;
  config.top_count = o.top;
  config.truth_path = o.truth;
  config.start = o.resume ? SearchStart::resume : SearchStart::fresh;
  RLNAS_CHECK(o.csv.empty() || o.csv == "-" || o.csv != o.json, usage, "--csv and --json name the same file ",
              o.csv);
  RLNAS_CHECK(o.csv != "-", usage, "--csv -: only --json can go to standard output");

  const std::unique_ptr<Communicator> communicator = join_ranks(o.comm);
  if (communicator->rank() != 0) {
    run_search({}, {}, *communicator);  // scores what rank 0 asks for
    return 0;
  }
  const std::string init = checkpoint_path(o.init, o.supernet, "--init", "init.safetensors");
  const std::string trained = checkpoint_path(o.trained, o.supernet, "--trained", "latest.safetensors");
  const DeviceChoice device = choose_device(o.device, {.cpu = {.threads = o.threads}, .cuda = {}});
  const CheckpointAngles angles = checkpoint_angle_sums(*device.backend, init, trained, o.space);
  RLNAS_CHECK(angles.space == space, usage, init, " holds a SuperNet of ", angles.space, ": say --space ",
              angles.space);
  RLNAS_CHECK(o.classes == 0 || o.classes == angles.classes, usage, "--classes ", o.classes,
              ": the SuperNet has ", angles.classes, "; leave out --classes");
  const SearchDefaults defaults = search_defaults(angles.space);
  config.space.name = angles.space;
  config.space.classes = angles.classes;
  config.space.image_size = o.image_size == 0 ? defaults.image_size : o.image_size;
  config.evolution.label_classes = angles.classes;
  if (o.evolution.label_draws == 0)
    config.evolution.label_draws = find_space(angles.space).label_draws(angles.classes);
  config.state_path = state_path(o, config.method);

  const SearchReport report = run_search(config, angles.sums, *communicator);
  if (!o.csv.empty()) write_report_file("--csv", o.csv, report_csv(report));
  if (o.json == "-") {
    out << report_json(report);
    return 0;
  }
  if (!o.json.empty()) write_report_file("--json", o.json, report_json(report));
  print_report(out, report);
  return 0;
}

}  // namespace

int search_main(int argc, const char* const* argv, std::ostream& out, std::ostream& err) {
  SearchOptions options;
  std::string space;
  const AppInfo info{"rlnas_search", "Finds the architecture whose SuperNet weights turned furthest.",
                     RLNAS_VERSION};
  return run_app(
      info, argc, argv, {out, err},
      [&](CLI::App& app) {
        space = space_asked_for(argc, argv);
        declare_options(app, options, space);
      },
      [&] {
        return options.describe.empty() ? run_search_app(options, space, out) : run_describe(options, out);
      });
}

}  // namespace rlnas
