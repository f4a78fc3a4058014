// Checkpoints of SuperNets with any weights, and short runs, for indicators that look at trained SuperNets.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/safetensors.h"
#include "ops/network_layout.h"
#include "search/spaces.h"
#include "tests/training/small_run.h"

namespace rlnas::test {

inline NetworkLayout supernet_layout(const Space& space, int classes) {
  const NetworkOptions options{.classes = classes, .image_size = search_defaults(space.name()).image_size};
  return {space.network(options, {}), Initializer::pytorch};
}

// `change` may overwrite what a tensor of its name begins with.
inline std::string write_supernet(
    const std::string& path, const Space& space, int classes, std::uint64_t seed,
    const std::function<void(const Segment&, std::vector<float>&)>& change = {}) {
  const NetworkLayout layout = supernet_layout(space, classes);
  const ModelBuilder& tensors = layout.tensors();
  TensorFile file;
  file.metadata["space"] = space.name();
  const auto add = [&](const SegmentTable& table, const std::vector<float>& values) {
    for (const Segment& segment : table) {
      const auto first = values.begin() + segment.offset;
      std::vector<float> tensor(first, first + segment.count);
      if (change) change(segment, tensor);
      file.tensors.push_back({segment.name, segment.shape, std::move(tensor)});
    }
  };
  add(tensors.parameters(), tensors.initial_parameters(seed));
  add(tensors.statistics(), tensors.initial_statistics());
  write_safetensors(path, file);
  return path;
}

// A run of 60 of 96 images, with true labels: 36 are held out.
inline TrainConfig labelled_run(const std::string& out) {
  TrainConfig config = small_run(out);
  config.labels.kind = LabelKind::from_data;
  config.data.images = 60;
  config.recipe.epochs = 1;
  return config;
}

}  // namespace rlnas::test
