// What the published recipes of several spaces share. Source: method.md 4.2, 5, 6, 8.1, 10.
#pragma once

#include "rlnas/rlnas.hpp"
#include "search/space.h"

namespace rlnas {

// Of the spaces that came after NAS-Bench-201.
TrainConfig one_path_a_step();
// Of a SuperNet on ImageNet, and of one of its architectures.
TrainConfig imagenet_recipe();
TrainConfig imagenet_retrain_recipe();
// What changes when an architecture is trained in earnest.
TrainConfig with_true_labels(TrainConfig config);

// Constants of the published search: of those spaces, and of those of them that are for ImageNet.
SearchDefaults later_search_defaults();
SearchDefaults imagenet_search_defaults();

}  // namespace rlnas
