// The published training recipes of each space, for its SuperNet and for one found architecture, as the
// defaults of TrainConfig. Source: method.md 3.3, 4.2, 5, 6, 10.
#include "kernels/check.h"
#include "rlnas/rlnas.hpp"
#include "search/spaces.h"

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
  config.crop = "area";
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

TrainConfig with_true_labels(TrainConfig config) {
  config.labels = "true";
  config.label_seed = -1;
  config.split = "all";
  config.min_learning_rate = 0.0;
  config.clip_value = 0.0;
  config.checkpoint_every = 0;
  return config;
}

// The benchmark's own.
TrainConfig retrain_nasbench201() {
  TrainConfig config = with_true_labels({});
  config.seed = 777;
  config.epochs = 200;
  config.batch_size = 256;
  config.learning_rate = 0.1;
  return config;
}

TrainConfig retrain_darts_cifar() {
  TrainConfig config = with_true_labels(darts_cifar());
  config.seed = 0;
  config.epochs = 600;
  config.batch_size = 96;
  config.schedule = "cosine";
  config.cutout = 16;
  config.drop_path = 0.3;
  config.auxiliary = 0.4;
  return config;
}

TrainConfig retrain_imagenet() {
  TrainConfig config = with_true_labels(imagenet());
  config.seed = 0;
  config.batch_size = 1024;
  config.learning_rate = 0.5;
  config.clip_norm = 5.0;
  return config;
}

TrainConfig retrain_darts_imagenet() {
  TrainConfig config = retrain_imagenet();
  config.epochs = 250;
  config.schedule = "darts-retrain";
  config.weight_decay = 3e-5;
  config.auxiliary = 0.4;
  return config;
}

TrainConfig retrain_mobilenet() {
  TrainConfig config = retrain_imagenet();
  config.initializer = "normal-fan-out";
  config.epochs = 240;
  config.crop = "resized";
  config.schedule = "linear";
  config.decay = "convolutions-and-classifier";
  config.dropout = 0.2;
  return config;
}

// The recipe of `space`, by name.
struct Recipe {
  const char* space;
  TrainConfig (*supernet)();
  TrainConfig (*retrain)();
};
constexpr Recipe kRecipes[] = {{"nasbench201", [] { return TrainConfig{}; }, retrain_nasbench201},
                               {"darts-cifar", darts_cifar, retrain_darts_cifar},
                               {"darts-imagenet", darts_imagenet, retrain_darts_imagenet},
                               {"mobilenet", mobilenet, retrain_mobilenet}};

const Recipe& recipe_of(const std::string& space) {
  for (const Recipe& recipe : kRecipes)
    if (space == recipe.space) return recipe;
  space_title(space);  // says which there are
  fail(ErrorCode::run_failed, space, " has no recipe");
}

}  // namespace

TrainConfig default_train_config(const std::string& space) {
  TrainConfig config = recipe_of(space).supernet();
  config.space = space;
  return config;
}

TrainConfig default_retrain_config(const std::string& space) {
  TrainConfig config = recipe_of(space).retrain();
  config.space = space;
  return config;
}

}  // namespace rlnas
