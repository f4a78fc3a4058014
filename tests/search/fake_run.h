// A run directory with random SuperNet weights of any space before and after "training", or its sums alone.
#pragma once

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/safetensors.h"
#include "search/spaces.h"
#include "tests/search/random_weights.h"

namespace rlnas::test {

inline TensorFile tensor_file(const SegmentTable& segments, const std::vector<float>& flat) {
  TensorFile file;
  for (const Segment& segment : segments) {
    const auto first = flat.begin() + segment.offset;
    file.tensors.push_back({segment.name, segment.shape, {first, first + segment.count}});
  }
  // Buffers of a state dict, which the angle ignores.
  file.tensors.push_back({"stem.1.running_mean", {16}, std::vector<float>(16, 0.5f)});
  file.tensors.push_back({"stem.1.num_batches_tracked", {1}, {3.0f}});
  file.tensors.push_back({"arch_parameters", {6, 5}, std::vector<float>(30, 0.001f)});
  return file;
}

struct FakeRun {
  std::string space = "nasbench201";
  int classes = 10;
  std::uint64_t seed = 0;
  std::string metadata_space = "";  // what the files say of themselves; empty: nothing
};

inline void write_fake_run(const std::string& directory, const FakeRun& run) {
  std::filesystem::create_directories(directory);
  const SegmentTable segments = supernet_segments(run.space, run.classes);
  const WeightPair weights = random_weights(segments, run.seed);
  const auto write = [&](const char* name, const std::vector<float>& flat) {
    TensorFile file = tensor_file(segments, flat);
    if (!run.metadata_space.empty()) file.metadata["space"] = run.metadata_space;
    write_safetensors(directory + "/" + name, file);
  };
  write("init.safetensors", weights.before);
  write("latest.safetensors", weights.after);
}

inline void write_fake_run(const std::string& directory, int classes, std::uint64_t seed) {
  write_fake_run(directory, {.classes = classes, .seed = seed});
}

// Sums that weights of such sizes could have, without the weights: every tensor turned by another angle.
inline std::vector<AngleSums> random_sums(const SegmentTable& segments, std::uint64_t seed) {
  std::vector<AngleSums> sums;
  for (const Segment& segment : segments) {
    RandomStream random(seed, segment.name);
    const double norm0_sq = double(segment.count) * (0.5 + random.uniform_double());
    const double norm1_sq = norm0_sq * (0.5 + random.uniform_double());
    const double cosine = 0.75 + 0.25 * random.uniform_double();
    sums.push_back({cosine * std::sqrt(norm0_sq * norm1_sq), norm0_sq, norm1_sq});
  }
  return sums;
}

}  // namespace rlnas::test
