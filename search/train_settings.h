// A TrainConfig checked, and what its settings mean to the parts that act on them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/batch_source.h"
#include "engine/device.h"
#include "engine/schedule.h"
#include "rlnas/train.hpp"
#include "search/executor.h"

namespace rlnas {

// Errors: usage, naming the flag, for a value out of range or flags that contradict each other.
void check_config(const TrainConfig& config);

DeviceOptions device_options(const TrainConfig& config);
// Everything of a step but its learning rate.
StepSpec step_spec(const TrainConfig& config, const ImageFormat& format);
// images: of the training split.
ScheduleSpec schedule_spec(const TrainConfig& config, std::size_t images);
// For Parameters::set_decayed.
std::vector<std::uint8_t> decayed_segments(const TrainConfig& config, const SegmentTable& table);

}  // namespace rlnas
