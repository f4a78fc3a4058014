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
  config.recipe.sampling = PathSampling::per_net;
  config.data.split = CifarSplit::all;
  config.recipe.nesterov = false;
  config.run.checkpoint_every = 5;
  return config;
}

TrainConfig darts_cifar() {
  TrainConfig config = one_path_a_step();
  config.recipe.seed = 1;
  config.recipe.schedule = Schedule::cosine_ahead;
  config.recipe.weight_decay = 3e-4;
  config.recipe.clip_norm = 5.0;
  return config;
}

TrainConfig imagenet() {
  TrainConfig config = one_path_a_step();
  config.recipe.seed = 5;
  config.labels.seed = 0;
  config.data.image_size = 224;
  config.data.crop = TrainingCrop::area;
  config.recipe.batch_size = 512;
  config.recipe.min_learning_rate = 5e-4;
  config.recipe.weight_decay = 4e-5;
  config.recipe.label_smoothing = 0.1;
  config.recipe.clip_value = 5.0;
  return config;
}

TrainConfig darts_imagenet() {
  TrainConfig config = imagenet();
  config.recipe.initializer = Initializer::kaiming_fan_in;
  config.recipe.epochs = 50;
  config.recipe.schedule = Schedule::linear;
  config.recipe.learning_rate = 0.1;
  config.recipe.decay = Decay::convolutions;
  return config;
}

TrainConfig mobilenet() {
  TrainConfig config = imagenet();
  config.recipe.initializer = Initializer::normal_fan_out;
  config.recipe.epochs = 120;
  config.recipe.schedule = Schedule::linear_ahead;
  config.recipe.learning_rate = 0.25;
  config.recipe.decay = Decay::convolutions_and_classifier;
  return config;
}

TrainConfig with_true_labels(TrainConfig config) {
  config.labels.kind = LabelKind::from_data;
  config.labels.seed = -1;
  config.data.split = CifarSplit::all;
  config.recipe.min_learning_rate = 0.0;
  config.recipe.clip_value = 0.0;
  config.run.checkpoint_every = 0;
  return config;
}

// The benchmark's own.
TrainConfig retrain_nasbench201() {
  TrainConfig config = with_true_labels({});
  config.recipe.seed = 777;
  config.recipe.epochs = 200;
  config.recipe.batch_size = 256;
  config.recipe.learning_rate = 0.1;
  return config;
}

TrainConfig retrain_darts_cifar() {
  TrainConfig config = with_true_labels(darts_cifar());
  config.recipe.seed = 0;
  config.recipe.epochs = 600;
  config.recipe.batch_size = 96;
  config.recipe.schedule = Schedule::cosine;
  config.data.cutout = 16;
  config.network.drop_path = 0.3;
  config.network.auxiliary = 0.4;
  return config;
}

TrainConfig retrain_imagenet() {
  TrainConfig config = with_true_labels(imagenet());
  config.recipe.seed = 0;
  config.recipe.batch_size = 1024;
  config.recipe.learning_rate = 0.5;
  config.recipe.clip_norm = 5.0;
  return config;
}

TrainConfig retrain_darts_imagenet() {
  TrainConfig config = retrain_imagenet();
  config.recipe.epochs = 250;
  config.recipe.schedule = Schedule::darts_retrain;
  config.recipe.weight_decay = 3e-5;
  config.network.auxiliary = 0.4;
  return config;
}

TrainConfig retrain_mobilenet() {
  TrainConfig config = retrain_imagenet();
  config.recipe.initializer = Initializer::normal_fan_out;
  config.recipe.epochs = 240;
  config.data.crop = TrainingCrop::resized;
  config.recipe.schedule = Schedule::linear;
  config.recipe.decay = Decay::convolutions_and_classifier;
  config.network.dropout = 0.2;
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
  config.network.space = space;
  return config;
}

TrainConfig default_retrain_config(const std::string& space) {
  TrainConfig config = recipe_of(space).retrain();
  config.network.space = space;
  return config;
}

}  // namespace rlnas
