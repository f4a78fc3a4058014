// A training step on paper: what it computes and the memory it needs, before any is taken.
#pragma once

#include <cstddef>
#include <vector>

#include "rlnas/recorded_call.hpp"
#include "search/executor.h"
#include "search/trained_network.h"

namespace rlnas {

struct DryRun {
  std::vector<RecordedCall> calls;
  std::size_t step_bytes = 0, fixed_bytes = 0;
};

// One step of the path that takes the most memory.
DryRun dry_run(TrainedNetwork& network, Backend& backend, int batch_size, const StepSpec& spec);

}  // namespace rlnas
