#include "search/recipes.h"

#include "search/spaces.h"

namespace rlnas {

TrainConfig one_path_a_step() {
  TrainConfig config;
  config.recipe.sampling = PathSampling::per_net;
  config.data.split = CifarSplit::all;
  config.recipe.nesterov = false;
  config.run.checkpoint_every = 5;
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

TrainConfig default_train_config(const std::string& space) {
  TrainConfig config = find_space(space).supernet_recipe();
  config.network.space = space;
  return config;
}

TrainConfig default_mixture_config(const std::string& space, TrainMethod method) {
  if (method == TrainMethod::single_path) return default_train_config(space);
  TrainConfig config = find_space(space).mixture_recipe(method);
  config.network.space = space;
  config.mixture.method = method;
  return config;
}

TrainConfig default_retrain_config(const std::string& space) {
  TrainConfig config = find_space(space).retrain_recipe();
  config.network.space = space;
  return config;
}

}  // namespace rlnas
