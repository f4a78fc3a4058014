#pragma once

#include <string>

#include "rlnas/rlnas.hpp"
#include "tests/support/temporary_directory.h"

namespace rlnas::test {

// As small as the network allows, for emulated threads are slow: epochs of `steps` steps.
inline TrainConfig tiny_run(const std::string& out, int steps, int epochs = 1) {
  TrainConfig config;
  config.data = "synthetic:" + std::to_string(4 * steps);
  config.image_size = 16;
  config.batch_size = 4;
  config.epochs = epochs;
  config.log_every = 1;
  config.device = "cuda";
  config.threads = 1;
  config.out = out;
  return config;
}

inline std::string bytes_of(const std::string& run) {
  return read_text(run + "/latest.safetensors");
}

}  // namespace rlnas::test
