// What the published recipes of several spaces share. Source: method.md 4.2, 5, 6, 8.1, 10.
#pragma once

#include "rlnas/train.hpp"
#include "search/space.h"

namespace rlnas {

// Of the spaces that came after NAS-Bench-201.
TrainConfig one_path_a_step();
// What changes when an architecture is trained in earnest.
TrainConfig with_true_labels(TrainConfig config);

// Constants of the published search of those spaces.
SearchDefaults later_search_defaults();

}  // namespace rlnas
