// What resume.safetensors says beside its tensors: how far the run is, and which weights it has ever sampled.
// Every value is checked on reading: one that no run can have written is an error, never a wrong
// continuation.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/fingerprint.h"

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

// What a state to resume from has to fit.
struct RunLimits {
  std::int64_t steps = 0;  // of all epochs
  std::int64_t images = 0;
  DataFingerprint data = {};
};

using Metadata = std::map<std::string, std::string>;

void write_progress(Metadata& metadata, const RunProgress& progress, const DataFingerprint& images,
                    const std::vector<std::uint8_t>& ever_sampled);

// Of a differentiable search: how often Adam has stepped, and the held-out images of the epoch under way.
struct HeldOutProgress {
  std::int64_t adam_steps = 0;
  double loss_sum = 0.0;
  std::int64_t correct = 0, images = 0;
};
void write_held_out(Metadata& metadata, const HeldOutProgress& progress);

class StateMetadata {
 public:
  // `path` begins the messages; both must outlive this. Errors of all below: data.
  StateMetadata(const Metadata& metadata, const std::string& path) : metadata_(metadata), path_(path) {}

  bool has(const std::string& key) const { return metadata_.contains(key); }
  const std::string& text(const std::string& key) const;
  std::vector<std::uint8_t> flags(const std::string& key, std::size_t count) const;  // of text like "0110"
  RunProgress progress(const RunLimits& limits) const;
  std::int64_t step() const;
  HeldOutProgress held_out() const;

 private:
  std::int64_t integer(const std::string& key, std::int64_t low, std::int64_t high) const;
  double number(const std::string& key, double low, double high) const;

  const Metadata& metadata_;
  const std::string& path_;
};

}  // namespace rlnas
