// One found architecture as a network of its own, trained from scratch (method.md 10): what --arch makes of
// the trainer's space. It has no paths to sample and no angle.
#pragma once

#include <cstdint>
#include <memory>

#include "rlnas/rlnas.hpp"
#include "search/training_space.h"

namespace rlnas {

struct StandaloneOptions {
  int classes = 10;
  int steps_per_epoch = 1;  // drop path grows epoch by epoch
  int rank = 0;             // every rank drops by draws of its own
};

// The network of --arch in --space. Errors: usage for a text that is no architecture of the space.
std::unique_ptr<TrainingSpace> make_standalone(const TrainConfig& config, const StandaloneOptions& options);

// The same if config has an --arch, and its SuperNet otherwise: what train() trains.
std::unique_ptr<TrainingSpace> make_trained_network(const TrainConfig& config,
                                                    const StandaloneOptions& options);

// The elements of all tensors but those of an auxiliary head, which the trained network goes without.
std::int64_t parameters_without_auxiliary(const SegmentTable& table);

}  // namespace rlnas
