#pragma once

#include <string>

#include "rlnas/train.hpp"
#include "tests/support/temporary_directory.h"

namespace rlnas::test {

// As small as the network allows, for emulated threads are slow: epochs of `steps` steps.
inline TrainConfig tiny_run(const std::string& out, int steps, int epochs = 1) {
  TrainConfig config;
  config.data.spec = "synthetic:" + std::to_string(4 * steps);
  config.data.image_size = 16;
  config.recipe.batch_size = 4;
  config.recipe.epochs = epochs;
  config.run.log_every = 1;
  config.device.name = "cuda";
  config.device.threads = 1;
  config.run.out = out;
  return config;
}

inline std::string bytes_of(const std::string& run) {
  return read_text(run + "/latest.safetensors");
}

}  // namespace rlnas::test
