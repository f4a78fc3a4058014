// A run directory with random SuperNet weights before and after "training".
#pragma once

#include <filesystem>
#include <string>

#include "engine/safetensors.h"
#include "search/nasbench201/supernet.h"
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

inline void write_fake_run(const std::string& directory, int classes, std::uint64_t seed) {
  std::filesystem::create_directories(directory);
  const SegmentTable segments = nasbench201::supernet_segments(classes);
  const WeightPair weights = random_weights(segments, seed);
  write_safetensors(directory + "/init.safetensors", tensor_file(segments, weights.before));
  write_safetensors(directory + "/latest.safetensors", tensor_file(segments, weights.after));
}

}  // namespace rlnas::test
