#include "search/search_request.h"

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <optional>

#include "engine/device.h"
#include "kernels/check.h"
#include "search/checkpoint_angles.h"
#include "search/run_directory.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

using search::Options;

constexpr const char* kStateFile = "search_state.json";
constexpr const char* kScoresFile = "scores.csv";

Constraint constraint_of(const Options& o) {
  RLNAS_CHECK(std::isfinite(o.max_mflops) && o.max_mflops >= 0.0 && o.max_mflops <= 1e9, usage,
              "--max-mflops ", o.max_mflops, ": must be in 0..1e9");
  RLNAS_CHECK(o.max_params >= 0, usage, "--max-params ", o.max_params, ": must not be negative");
  Constraint constraint;
  if (o.max_mflops > 0.0) constraint.max_macs = std::llround(o.max_mflops * 1e6);
  if (o.max_params > 0) constraint.max_params = o.max_params;
  return constraint;
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

std::string file_in(const std::string& directory, const char* name) {
  return directory.empty() ? "" : (std::filesystem::path(directory) / name).string();
}

bool names_supernet(const Options& o) {
  return !o.supernet.empty() || !o.init.empty() || !o.trained.empty();
}

// The search is in the space of a SuperNet, for as many classes.
void take_supernet(const Options& o, const std::string& space, const std::string& path,
                   const std::string& its_space, int its_classes, SearchConfig& config) {
  RLNAS_CHECK(its_space == space, usage, path, " holds a SuperNet of ", its_space, ": say --space ",
              its_space);
  RLNAS_CHECK(o.classes == 0 || o.classes == its_classes, usage, "--classes ", o.classes,
              ": the SuperNet has ", its_classes, "; leave out --classes");
  config.space.name = its_space;
  config.space.classes = its_classes;
}

// How the weights were trained, by the run directory and what the options say otherwise.
SuperNetConfig supernet_config(const Options& o, const std::string& space, const std::string& weights,
                               const Needs& needs) {
  const std::optional<RecordedRun> recorded = RunDirectory(o.supernet).recorded();
  SuperNetConfig config;
  config.weights = weights;
  config.recalibration_batches = o.recalibration_batches;
  config.eval_images = o.eval_images;
  config.batch = o.eval_batch;
  config.run = recorded ? recorded->config : default_train_config(space);
  config.run.network.space = space;
  config.run.data.threads = o.device.threads;
  config.run.eval.spec = o.eval_data;
  if (recorded) config.data_checksum = recorded->data_checksum;
  if (!o.data.empty()) config.run.data.spec = o.data;
  if (o.labels) config.run.labels.kind = *o.labels;
  RLNAS_CHECK(!needs.labels || recorded || o.labels, usage, "--labels: say whether ", weights,
              " was trained on random or true labels, for there is no run.json that does");
  return config;
}

// The SuperNet, whose space and classes become those of the search, and its angles: none where the weights
// before training are not named, and not needed.
std::vector<AngleSums> read_supernet(const Options& o, const std::string& space, SearchConfig& config) {
  const Needs needs = config.score.needs();
  const std::string wanted = o.space.empty() ? "" : space;
  const std::string trained = checkpoint_path(o.trained, o.supernet, "--trained", "latest.safetensors");
  if (needs.weights) config.supernet = supernet_config(o, space, trained, needs);
  if (needs.weights && !needs.supernet && o.supernet.empty() && o.init.empty()) {
    const CheckpointKind kind = checkpoint_kind(trained, wanted);
    take_supernet(o, space, trained, kind.space, kind.classes, config);
    return {};
  }
  const std::string init = checkpoint_path(o.init, o.supernet, "--init", "init.safetensors");
  const DeviceChoice device =
      choose_device(o.device.name, {.cpu = {.threads = o.device.threads}, .cuda = {}});
  CheckpointAngles angles = checkpoint_angle_sums(*device.backend, init, trained, wanted);
  take_supernet(o, space, init, angles.space, angles.classes, config);
  return std::move(angles.sums);
}

}  // namespace

std::string space_of_request(const Options& o) {
  std::string space = o.space;
  if (space.empty()) space = RunDirectory(o.supernet).space();
  return find_space(space.empty() ? default_space().name() : space).name();
}

SearchConfig search_config(const Options& o) {
  SearchConfig config;
  config.method = o.method;
  config.score = parse_score(o.score);
  config.probe = o.probe;
  config.device = o.device;
  config.space.name = space_of_request(o);
  config.space.constraint = constraint_of(o);
  config.space.compat = o.compat;
  config.evolution = o.evolution;
  config.evolution.compat = o.compat;
  config.report_gap = o.report_gap;
  config.top_count = o.top;
  config.truth_path = o.truth;
  config.known_scores = o.known_scores;
  config.start = o.resume ? SearchStart::resume : SearchStart::fresh;
  return config;
}

void keep_in(const std::string& directory, SearchConfig& config) {
  if (config.method == SearchMethod::evolution || config.method == SearchMethod::random)
    config.state_path = file_in(directory, kStateFile);
  config.scores_path = file_in(directory, kScoresFile);
}

SearchInput search_input(const Options& o) {
  SearchInput input{.config = search_config(o), .sums = {}};
  SearchConfig& config = input.config;
  const std::string space = config.space.name;
  const SearchDefaults& defaults = search_defaults(space);
  config.space.classes = o.classes == 0 ? defaults.classes : o.classes;
  const Needs needs = config.score.needs();
  if (names_supernet(o) || needs.supernet || needs.weights) input.sums = read_supernet(o, space, config);
  config.space.image_size = o.image_size == 0 ? defaults.image_size : o.image_size;
  config.evolution.label_classes = config.space.classes;
  if (o.evolution.label_draws == 0)
    config.evolution.label_draws = find_space(space).label_draws(config.space.classes);
  return input;
}

namespace search {

Options default_options(const std::string& space) {
  const SearchDefaults& defaults = search_defaults(space);
  Options options;
  options.space = space;
  options.evolution = defaults.evolution;
  options.evolution.label_draws = 0;
  options.max_mflops = defaults.max_mflops;
  options.max_params = defaults.max_params;
  return options;
}

}  // namespace search

}  // namespace rlnas
