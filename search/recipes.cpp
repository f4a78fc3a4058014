#include "search/recipes.h"

#include "search/spaces.h"

namespace rlnas {

TrainConfig one_path_a_step() {
  TrainConfig config;
  config.sampling = "per-net";
  config.split = "all";
  config.nesterov = false;
  config.checkpoint_every = 5;
  return config;
}

TrainConfig imagenet_recipe() {
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

TrainConfig with_true_labels(TrainConfig config) {
  config.labels = "true";
  config.label_seed = -1;
  config.split = "all";
  config.min_learning_rate = 0.0;
  config.clip_value = 0.0;
  config.checkpoint_every = 0;
  return config;
}

TrainConfig imagenet_retrain_recipe() {
  TrainConfig config = with_true_labels(imagenet_recipe());
  config.seed = 0;
  config.batch_size = 1024;
  config.learning_rate = 0.5;
  config.clip_norm = 5.0;
  return config;
}

SearchDefaults later_search_defaults() {
  SearchDefaults defaults;
  EvolutionOptions& evolution = defaults.evolution;
  evolution.population = 50;
  evolution.top = 10;
  evolution.mutants = evolution.crossovers = 25;
  evolution.seed = 1;
  evolution.label_draws = 0;
  return defaults;
}

SearchDefaults imagenet_search_defaults() {
  SearchDefaults defaults = later_search_defaults();
  defaults.classes = defaults.evolution.label_classes = 1000;
  defaults.image_size = 224;
  return defaults;
}

TrainConfig default_train_config(const std::string& space) {
  TrainConfig config = find_space(space).supernet_recipe();
  config.space = space;
  return config;
}

TrainConfig default_retrain_config(const std::string& space) {
  TrainConfig config = find_space(space).retrain_recipe();
  config.space = space;
  return config;
}

}  // namespace rlnas
