#include "search/run_directory.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/atomic_file.h"
#include "engine/bounded_json.h"
#include "kernels/words.h"
#include "search/checkpoint.h"
#include "search/mixture_search.h"
#include "search/state_metadata.h"
#include "search/train_config_text.h"
#include "search/train_fields.h"
#include "search/version.h"

namespace rlnas {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

// Text that is no UTF-8, of a path for example, cannot be in JSON.
std::string to_text(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// Null where there is no such file, or it is none of ours.
Json run_json(const std::string& path) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) return Json();
  return parse_json_or_none<Json>(read_file(path));
}

Json member(const Json& json, const char* key) {
  return json.is_object() ? json.value(key, Json()) : Json();
}

// The images of a run that goes on are those it was started with. Older versions kept the last figure alone.
void check_images(const StateMetadata& state, const DataFingerprint& images, const std::string& flag,
                  const std::string& run) {
  const auto same = [&](const char* key, std::uint64_t now) {
    return !state.has(key) || state.text(key) == std::to_string(now);
  };
  RLNAS_CHECK(same("data_images", images.images), data, flag, ": ", images.images, " images, but the run in ",
              run, " was started with ", state.text("data_images"));
  RLNAS_CHECK(same("data_listing_crc32", images.listing), data, flag,
              ": its images have other names or labels than those the run in ", run, " was started with");
  RLNAS_CHECK(state.text("data_crc32") == std::to_string(images.contents), data, flag,
              ": its images have the names and labels, but not the contents of those the run in ", run,
              " was started with");
}

}  // namespace

RunDirectory find_run_directory(const TrainConfig& config, const RankPlace& place) {
  const std::string &out = config.run.out, &resume = config.run.resume;
  const bool leads = place.rank == 0, goes_on = !resume.empty() && resume != "auto";
  const RunDirectory directory(goes_on ? resume : out);
  if (goes_on) {
    RLNAS_CHECK(out.empty() || out == resume, usage,
                "--out: a run is resumed in its own "
                "directory; drop --out or make it the same as --resume");
    RLNAS_CHECK(!leads || directory.holds_run(), data, "--resume ", resume, ": holds no run to go on with");
  }
  RLNAS_CHECK(!config.eval.only || !leads || directory.holds_run(), data, "--eval-only: ", directory.path(),
              " holds no run to evaluate");
  RLNAS_CHECK(!directory.path().empty(), usage,
              "--out: say where to write the run, for example --out runs/a");
  return directory;
}

std::string RunDirectory::file(const std::string& name) const {
  RLNAS_CHECK(!path_.empty(), usage, name, ": the run directory has no name");
  return path_ + "/" + name;
}

bool RunDirectory::exists() const {
  std::error_code none;
  return !path_.empty() && std::filesystem::is_directory(path_, none);
}

bool RunDirectory::holds_run() const {
  std::error_code none;
  return exists() &&
         (std::filesystem::exists(resume_file(), none) || std::filesystem::exists(latest_file(), none));
}

std::unique_ptr<FileLock> RunDirectory::lock() const {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  RLNAS_CHECK(!error, data, "--out ", path_, ": cannot be made: ", error.message());
  auto lock = std::make_unique<FileLock>(file(".lock"), "--out " + path_);
  remove_stale_temporaries(path_);
  for (const std::string& target : {init_file(), resume_file(), latest_file(), run_file(), events_file()})
    std::filesystem::remove(target + ".tmp", error);  // the name that older versions gave them
  return lock;
}

void RunDirectory::write_run_json(const TrainConfig& config, const RunFacts& facts) const {
  const Json json = {
      {"schema", kSchema},
      {"program",
       {{"name", "rlnas_train"}, {"version", kVersion}, {"git", kGitHash}, {"compiler", kCompiler}}},
      {"machine", {{"cpu", cpu_model()}, {"device", facts.device}}},
      {"data",
       {{"images", facts.images},
        {"classes", facts.classes},
        {"crc32", facts.data_checksum},
        {"skipped_files", facts.skipped_files}}},
      {"network", {{"parameters", facts.parameters}}},
      {"steps_per_epoch", facts.steps_per_epoch},
      {"planned_memory_bytes", facts.planned_memory_bytes},
      {"config", to_json(config)}};
  const std::string space_text = find_space(config.network.space).file_text();
  if (!space_text.empty()) write_file_atomically(space_file(), space_text);
  write_file_atomically(run_file(), to_text(json, 2) + "\n");
}

std::string RunDirectory::space() const {
  const Json config = member(run_json(path_.empty() ? "" : run_file()), "config");
  const Json space = member(config, "space");
  if (!space.is_string()) return "";
  const std::string name = space.get<std::string>();
  if (is_space(name)) return name;
  RLNAS_CHECK(std::filesystem::exists(space_file()), data, run_file(), ": its search space '", name,
              "' is none of ", space_names());
  const std::string kept = add_file_space(read_file(space_file()), space_file()).name();
  RLNAS_CHECK(kept == name, data, space_file(), ": describes ", kept, ", but the run was started with ",
              name);
  return name;
}

std::optional<RecordedRun> RunDirectory::recorded() const {
  const Json json = run_json(path_.empty() ? "" : run_file());
  const Json config = member(json, "config");
  if (!config.is_object()) return std::nullopt;
  space();  // known from here on
  RecordedRun run{.config = train_config_of(config, run_file())};
  if (const Json crc = member(member(json, "data"), "crc32"); crc.is_number_unsigned())
    run.data_checksum = crc.get<std::uint32_t>();
  return run;
}

void RunDirectory::save(SaveScope scope, const TrainConfig& config, const RunProgress& progress,
                        const DataFingerprint& images, const Parameters& parameters, HostCopy copy,
                        const FlatBuffer& statistics, const MixtureSearch* mixture) const {
  TensorFile file;
  // What is in the file is given up at once: a checkpoint takes no more memory than it has to.
  append_tensors(file, parameters.table(), std::exchange(copy.weights, {}), "");
  append_tensors(file, statistics, "");
  if (mixture != nullptr) mixture->save_model(file);
  const std::size_t of_model = file.tensors.size();
  append_tensors(file, parameters.table(), std::exchange(copy.momentum, {}), "momentum.");
  const std::map<std::string, std::string> of_all = {{"space", config.network.space},
                                                     {"step", std::to_string(progress.step)}};
  file.metadata = of_all;
  file.metadata["config"] = to_text(to_json(config));
  write_progress(file.metadata, progress, images, parameters.ever_sampled());
  if (mixture != nullptr) mixture->save_optimiser(file);
  write_safetensors(resume_file(), file);
  if (scope == SaveScope::state) return;
  file.tensors.resize(of_model);
  file.metadata = of_all;
  if (mixture != nullptr) write_file_atomically(genotype_file(), mixture->genotype() + "\n");
  write_safetensors(latest_file(), file);  // the last: by its step model_step() tells that all is there
}

void RunDirectory::keep_epoch(int epoch) const {
  copy_file_atomically(latest_file(), epoch_file(epoch));
}

std::int64_t RunDirectory::model_step() const {
  std::error_code none;
  if (!std::filesystem::exists(latest_file(), none)) return -1;
  const std::string path = latest_file();
  return StateMetadata(read_safetensors(path).metadata, path).step();
}

RunProgress RunDirectory::load(const TrainConfig& config, const RunLimits& limits, Parameters& parameters,
                               FlatBuffer& statistics, MixtureSearch* mixture) const {
  const std::string path = resume_file();
  const TensorFile state = read_safetensors(path);
  const StateMetadata metadata(state.metadata, path);
  const Json started = parse_json_or_none<Json>(metadata.text("config"));
  RLNAS_CHECK(started.is_object(), data, path, ": its configuration cannot be read");
  visit_train_fields(config, [&](const TrainField& field, const auto& value) {
    const char* const name = field.name;
    if (field.on_resume == OnResume::free_) return;
    RLNAS_CHECK(started.contains(name), data, path, ": its configuration says nothing of --", name);
    const std::string now = to_text(Json(as_written(value))), then = to_text(started[name]);
    RLNAS_CHECK(now == then, usage, "--", name, ": ", now, ", but the run in ", path_, " was started with ",
                then);
  });
  check_images(metadata, limits.data, "--data " + config.data.spec, path_);

  load_tensors(state, path, parameters.weights(), "");
  load_tensors(state, path, parameters.momentum(), "momentum.");
  load_tensors(state, path, statistics, "");
  if (mixture != nullptr) mixture->load(state, path);
  parameters.set_ever_sampled(metadata.flags("ever_sampled", std::size_t(parameters.table().size())));
  return metadata.progress(limits);
}

}  // namespace rlnas
