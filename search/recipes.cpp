// The published training recipe of each space, as the defaults of TrainConfig. Source: method.md 3.3, 4.2,
// 5, 6.
#include "kernels/check.h"
#include "rlnas/rlnas.hpp"

namespace rlnas {
namespace {

// What the three spaces that came after NAS-Bench-201 share.
TrainConfig one_path_a_step() {
  TrainConfig config;
  config.sampling = "per-net";
  config.split = "all";
  config.nesterov = false;
  config.checkpoint_every = 5;
  return config;
}

TrainConfig darts_cifar() {
  TrainConfig config = one_path_a_step();
  config.seed = 1;
  config.schedule = "cosine-ahead";
  config.weight_decay = 3e-4;
  config.clip_norm = 5.0;
  return config;
}

TrainConfig imagenet() {
  TrainConfig config = one_path_a_step();
  config.seed = 5;
  config.label_seed = 0;
  config.image_size = 224;
  config.batch_size = 512;
  config.min_learning_rate = 5e-4;
  config.weight_decay = 4e-5;
  config.label_smoothing = 0.1;
  config.clip_value = 5.0;
  return config;
}

TrainConfig darts_imagenet() {
  TrainConfig config = imagenet();
  config.initializer = "kaiming-fan-in";
  config.epochs = 50;
  config.schedule = "linear";
  config.learning_rate = 0.1;
  config.decay = "convolutions";
  return config;
}

TrainConfig mobilenet() {
  TrainConfig config = imagenet();
  config.initializer = "normal-fan-out";
  config.epochs = 120;
  config.schedule = "linear-ahead";
  config.learning_rate = 0.25;
  config.decay = "convolutions-and-classifier";
  return config;
}

}  // namespace

TrainConfig default_train_config(const std::string& space) {
  TrainConfig config;
  if (space == "darts-cifar")
    config = darts_cifar();
  else if (space == "darts-imagenet")
    config = darts_imagenet();
  else if (space == "mobilenet")
    config = mobilenet();
  else
    RLNAS_CHECK(space == "nasbench201", usage, "--space: '", space,
                "' is not one of nasbench201, darts-cifar, darts-imagenet, mobilenet");
  config.space = space;
  return config;
}

}  // namespace rlnas
