// A TrainConfig checked and resolved: enums instead of words, the data loaded, the labels drawn.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/batch_loader.h"
#include "data/dataset.h"
#include "engine/device.h"
#include "engine/parameters.h"
#include "rlnas/rlnas.hpp"
#include "search/training_space.h"

namespace rlnas {

// Errors: usage, naming the flag, for a value out of range or flags that contradict each other.
void check_config(const TrainConfig& config);

DeviceOptions device_options(const TrainConfig& config);
Unsampled unsampled_of(const TrainConfig& config);

// The images to train on, with the labels to train on.
struct TrainingData {
  Dataset dataset;
  std::vector<std::uint32_t> indices;  // of the training split
  std::vector<std::int32_t> labels;    // of every image of the data set
  int classes = 0;                     // of the labels
};
// Errors: data for unreadable or broken files, usage for flags that do not fit the data.
TrainingData load_training_data(const TrainConfig& config);

// The SuperNet and path sampler of --space. Errors: usage.
std::unique_ptr<TrainingSpace> make_training_space(const TrainConfig& config, int classes);

}  // namespace rlnas
