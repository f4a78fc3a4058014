// The files of a training run: names, run.json, and what a resumed run reads back.
#pragma once

#include <cstdint>
#include <string>

#include "data/fingerprint.h"
#include "engine/parameters.h"
#include "rlnas/rlnas.hpp"

namespace rlnas {

// How far a run is. Sums of the epoch under way are kept so that its mean comes out the same after a
// resumption.
struct RunProgress {
  std::int64_t step = 0;  // steps done
  double epoch_loss_sum = 0.0;
  std::int64_t epoch_correct = 0;
  std::int64_t epoch_images = 0;
  // Of the evaluations so far; -1 before the first.
  double best_top1 = -1.0;
  std::int64_t best_step = -1;
};

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

class RunDirectory {
 public:
  explicit RunDirectory(std::string path) : path_(std::move(path)) {}

  std::string path() const { return path_; }
  std::string init_file() const { return path_ + "/init.safetensors"; }
  std::string latest_file() const { return path_ + "/latest.safetensors"; }
  std::string resume_file() const { return path_ + "/resume.safetensors"; }
  std::string epoch_file(int epoch) const {
    return path_ + "/epoch_" + std::to_string(epoch) + ".safetensors";
  }
  std::string events_file() const { return path_ + "/events.jsonl"; }
  std::string run_file() const { return path_ + "/run.json"; }
  std::string trace_file() const { return path_ + "/trace.json"; }

  bool holds_run() const;  // something a resumption could go on from, or would overwrite
  // Creates the directory. Errors: data, naming --out, when it cannot be made or written.
  void create() const;

  // The search space that run.json names; "" when it is not there or names none.
  std::string space() const;
  void write_run_json(const TrainConfig& config, const RunFacts& facts) const;

  // Writes resume.safetensors, then `model_file`s for readers; each atomically, so that a run killed at any
  // moment can be resumed from its last checkpoint.
  void save(const TrainConfig& config, const RunProgress& progress, const DataFingerprint& images,
            Parameters& parameters, const FlatBuffer& statistics) const;
  // Reads resume.safetensors back. Errors: data for a broken file; usage, naming the flag, for a setting that
  // differs from the one the run was started with; data when the images are others, saying in what.
  RunProgress load(const TrainConfig& config, const DataFingerprint& images, Parameters& parameters,
                   FlatBuffer& statistics) const;

 private:
  std::string path_;
};

}  // namespace rlnas
