// The files of a training run: names, run.json, and what a resumed run reads back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/fingerprint.h"
#include "engine/comm/communicator.h"
#include "engine/file_lock.h"
#include "engine/parameters.h"
#include "rlnas/train.hpp"
#include "search/state_metadata.h"

namespace rlnas {

class MixtureSearch;  // mixture_search.h

// What run.json records beside the configuration.
struct RunFacts {
  std::string device;
  std::int64_t images = 0;
  int classes = 0;
  std::uint32_t data_checksum = 0;
  std::int64_t skipped_files = 0;
  std::int64_t parameters = 0;
  std::uint64_t planned_memory_bytes = 0;
  int steps_per_epoch = 0;
};

// What run.json says of a run that was made before.
struct RecordedRun {
  TrainConfig config;
  std::optional<std::uint32_t> data_checksum = {};  // RunFacts::data_checksum
};

// Weights and momentum as the device has them, padding included: copied once, checked and written from here.
struct HostCopy {
  std::vector<float> weights, momentum;
};

enum class SaveScope {
  state,            // resume.safetensors alone
  state_and_model,  // and latest.safetensors
};

class RunDirectory {
 public:
  // An empty path is that of no directory: it holds no run, and none of its files has a name.
  explicit RunDirectory(std::string path) : path_(std::move(path)) {}

  std::string path() const { return path_; }
  std::string init_file() const { return file("init.safetensors"); }
  std::string latest_file() const { return file("latest.safetensors"); }
  std::string resume_file() const { return file("resume.safetensors"); }
  std::string epoch_file(int epoch) const { return file("epoch_" + std::to_string(epoch) + ".safetensors"); }
  std::string events_file() const { return file("events.jsonl"); }
  std::string run_file() const { return file("run.json"); }
  std::string trace_file() const { return file("trace.json"); }
  std::string genotype_file() const { return file("genotype.txt"); }  // of a differentiable search
  std::string space_file() const { return file("space.json"); }       // of a run in a space of one's own

  bool exists() const;
  bool holds_run() const;  // something a resumption could go on from, or would overwrite
  // Makes the directory when it is not there, takes it for one writer for as long as the lock lives, and
  // clears away what a killed one has left half written. Errors, naming --out: data when it cannot be made or
  // written; usage, naming the process, when another trains into it.
  std::unique_ptr<FileLock> lock() const;

  // The search space that run.json names; "" when it is not there or names none. One of a file is read from
  // the copy that the run keeps. Errors: data where that is not what the run was started with.
  std::string space() const;
  // Nothing where there is no run.json. Errors: data, naming it, for a setting that cannot be read.
  std::optional<RecordedRun> recorded() const;
  // Also keeps the file of a space of one's own.
  void write_run_json(const TrainConfig& config, const RunFacts& facts) const;

  // Writes resume.safetensors, then what others read (of a differentiable search also the genotype); each
  // atomically, so that a run killed at any moment can be resumed from its last checkpoint.
  void save(SaveScope scope, const TrainConfig& config, const RunProgress& progress,
            const DataFingerprint& images, const Parameters& parameters, HostCopy copy,
            const FlatBuffer& statistics, const MixtureSearch* mixture = nullptr) const;
  // Keeps latest.safetensors as that of an epoch.
  void keep_epoch(int epoch) const;
  // The step that latest.safetensors is of; -1 where there is none. A run killed between two files of a save
  // has an older one than its state.
  std::int64_t model_step() const;
  // Reads resume.safetensors back. Errors: data for a broken file; usage, naming the flag, for a setting that
  // differs from the one the run was started with; data when the images are others, saying in what.
  RunProgress load(const TrainConfig& config, const RunLimits& limits, Parameters& parameters,
                   FlatBuffer& statistics, MixtureSearch* mixture = nullptr) const;

 private:
  std::string file(const std::string& name) const;  // Errors: usage when there is no directory

  std::string path_;
};

// The directory that --out and --resume name; rank 0 alone looks what is in it. Errors: usage when they name
// none or two; data when there is no run to go on with, or to evaluate.
RunDirectory find_run_directory(const TrainConfig& config, const RankPlace& place);

}  // namespace rlnas
