// The recipes of an own search space: options of rlnas_train over what all spaces share.
#pragma once

#include "rlnas/train.hpp"
#include "search/space_file/field.h"

namespace rlnas::space_file {

struct Recipes {
  TrainConfig supernet;
  TrainConfig retrain;  // over the supernet's, with true labels
};

// file: the whole of it. Errors: usage, naming line and field.
Recipes read_recipes(const Field& file, int image_size);

}  // namespace rlnas::space_file
