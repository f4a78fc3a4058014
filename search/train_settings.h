// A TrainConfig checked and resolved: enums instead of words, the data loaded, the labels drawn.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/batch_loader.h"
#include "data/dataset.h"
#include "engine/device.h"
#include "engine/schedule.h"
#include "rlnas/rlnas.hpp"
#include "search/training_state.h"

namespace rlnas {

// Errors: usage, naming the flag, for a value out of range or flags that contradict each other.
void check_config(const TrainConfig& config);

DeviceOptions device_options(const TrainConfig& config);
// Everything of a step but its learning rate.
StepSpec step_spec(const TrainConfig& config, const Dataset& dataset);
// images: of the training split.
ScheduleSpec schedule_spec(const TrainConfig& config, std::size_t images);
// For Parameters::set_decayed.
std::vector<std::uint8_t> decayed_segments(const TrainConfig& config, const SegmentTable& table);

LoadOptions load_options(const TrainConfig& config, DataPart part);

// The images to train on, with the labels to train on.
struct TrainingData {
  Dataset dataset;
  std::vector<std::uint32_t> indices;  // of the training split
  std::vector<std::int32_t> labels;    // of every image of the data set
  int classes = 0;                     // of the labels
};
// Errors: data for unreadable or broken files, usage for flags that do not fit the data.
TrainingData load_training_data(const TrainConfig& config);

}  // namespace rlnas
