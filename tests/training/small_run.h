#pragma once

#include <string>
#include <vector>

#include "engine/safetensors.h"
#include "rlnas/train.hpp"

namespace rlnas::test {

// Twelve short steps on synthetic images, every one an event.
inline TrainConfig small_run(const std::string& out) {
  TrainConfig config;
  config.data.spec = "synthetic:96";
  config.data.image_size = 16;
  config.recipe.batch_size = 16;  // 6 steps an epoch
  config.recipe.epochs = 2;
  config.run.log_every = 1;
  config.device.name = "cpu";
  config.run.out = out;
  return config;
}

// All tensors of the newest checkpoint, one behind the other.
inline std::vector<float> weights_of(const std::string& run) {
  std::vector<float> all;
  for (const NamedTensor& tensor : read_safetensors(run + "/latest.safetensors").tensors)
    all.insert(all.end(), tensor.data.begin(), tensor.data.end());
  return all;
}

}  // namespace rlnas::test
