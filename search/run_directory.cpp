#include "search/run_directory.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/atomic_file.h"
#include "kernels/check.h"
#include "search/checkpoint.h"
#include "search/train_fields.h"
#include "search/version.h"

namespace rlnas {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

Json to_json(const TrainConfig& config) {
  Json json = Json::object();
  visit_train_fields(config,
                     [&](const char* name, const auto& value, const char*, OnResume) { json[name] = value; });
  return json;
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

// Doubles survive the trip through metadata text bit for bit.
std::string exact(double value) {
  char text[64];
  std::snprintf(text, sizeof(text), "%a", value);
  return text;
}

}  // namespace

bool RunDirectory::holds_run() const {
  return std::filesystem::exists(resume_file()) || std::filesystem::exists(latest_file());
}

void RunDirectory::create() const {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  RLNAS_CHECK(!error, data, "--out ", path_, ": cannot be made: ", error.message());
  const std::string probe = path_ + "/.writable";
  write_file_atomically(probe, "");
  std::filesystem::remove(probe, error);
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
  write_file_atomically(run_file(), json.dump(2) + "\n");
}

std::string RunDirectory::space() const {
  std::ifstream file(run_file());
  const Json json = Json::parse(file, nullptr, false);
  const auto space = json.is_object() ? json.value("/config/space"_json_pointer, Json()) : Json();
  return space.is_string() ? space.get<std::string>() : "";
}

void RunDirectory::save(const TrainConfig& config, const RunProgress& progress, const DataFingerprint& images,
                        Parameters& parameters, const FlatBuffer& statistics) const {
  TensorFile model = model_tensors(parameters.weights(), statistics);
  model.metadata = {{"space", config.space}, {"step", std::to_string(progress.step)}};

  TensorFile state = model;
  append_tensors(state, parameters.momentum(), "momentum.");
  std::string sampled;
  for (const std::uint8_t flag : parameters.ever_sampled()) sampled += flag != 0 ? '1' : '0';
  state.metadata["config"] = to_json(config).dump();
  state.metadata["data_images"] = std::to_string(images.images);
  state.metadata["data_listing_crc32"] = std::to_string(images.listing);
  state.metadata["data_crc32"] = std::to_string(images.contents);
  state.metadata["ever_sampled"] = sampled;
  state.metadata["epoch_loss_sum"] = exact(progress.epoch_loss_sum);
  state.metadata["epoch_correct"] = std::to_string(progress.epoch_correct);
  state.metadata["epoch_images"] = std::to_string(progress.epoch_images);
  state.metadata["best_top1"] = exact(progress.best_top1);
  state.metadata["best_step"] = std::to_string(progress.best_step);
  write_safetensors(resume_file(), state);
  write_safetensors(latest_file(), model);
}

RunProgress RunDirectory::load(const TrainConfig& config, const DataFingerprint& images,
                               Parameters& parameters, FlatBuffer& statistics) const {
  const std::string path = resume_file();
  const TensorFile state = read_safetensors(path);
  const auto entry = [&](const char* key) -> const std::string& {
    const auto it = state.metadata.find(key);
    RLNAS_CHECK(it != state.metadata.end(), data, path, ": not a state to resume from ('", key,
                "' is missing)");
    return it->second;
  };
  const Json started = Json::parse(entry("config"), nullptr, false);
  RLNAS_CHECK(started.is_object(), data, path, ": its configuration cannot be read");
  visit_train_fields(config, [&](const char* name, const auto& value, const char*, OnResume on_resume) {
    if (on_resume == OnResume::free_) return;
    const Json now = value;
    const Json then = started.value(name, now);
    RLNAS_CHECK(now == then, usage, "--", name, ": ", now.dump(), ", but the run in ", path_,
                " was started with ", then.dump());
  });
  RLNAS_CHECK(entry("data_images") == std::to_string(images.images), data, "--data ", config.data, ": ",
              images.images, " images, but the run in ", path_, " was started with ", entry("data_images"));
  RLNAS_CHECK(entry("data_listing_crc32") == std::to_string(images.listing), data, "--data ", config.data,
              ": its images have other names or labels than those the run in ", path_, " was started with");
  RLNAS_CHECK(entry("data_crc32") == std::to_string(images.contents), data, "--data ", config.data,
              ": its images have the names and labels, but not the contents of those the run in ", path_,
              " was started with");

  load_tensors(state, path, parameters.weights(), "");
  load_tensors(state, path, parameters.momentum(), "momentum.");
  load_tensors(state, path, statistics, "");
  const std::string& sampled = entry("ever_sampled");
  RLNAS_CHECK(int(sampled.size()) == parameters.table().size(), data, path,
              ": 'ever_sampled' has a wrong length");
  std::vector<std::uint8_t> flags;
  for (const char c : sampled) flags.push_back(c == '1' ? 1 : 0);
  parameters.set_ever_sampled(std::move(flags));

  const bool evaluated = state.metadata.count("best_top1") > 0;  // not in runs of older versions
  return {.step = std::atoll(entry("step").c_str()),
          .epoch_loss_sum = std::strtod(entry("epoch_loss_sum").c_str(), nullptr),
          .epoch_correct = std::atoll(entry("epoch_correct").c_str()),
          .epoch_images = std::atoll(entry("epoch_images").c_str()),
          .best_top1 = evaluated ? std::strtod(entry("best_top1").c_str(), nullptr) : -1.0,
          .best_step = evaluated ? std::atoll(entry("best_step").c_str()) : -1};
}

}  // namespace rlnas
