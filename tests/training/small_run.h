#pragma once

#include <string>

#include "rlnas/rlnas.hpp"

namespace rlnas::test {

// Twelve short steps on synthetic images, every one an event.
inline TrainConfig small_run(const std::string& out) {
  TrainConfig config;
  config.data = "synthetic:96";
  config.image_size = 16;
  config.batch_size = 16;  // 6 steps an epoch
  config.epochs = 2;
  config.log_every = 1;
  config.device = "cpu";
  config.out = out;
  return config;
}

}  // namespace rlnas::test
