// What a run stands on before it writes a file or takes memory: device, data, network, and a step on paper.
// Both train() and plan_training() begin with it.
#pragma once

#include <memory>

#include "engine/comm/communicator.h"
#include "engine/device.h"
#include "search/run_log.h"
#include "search/run_meter.h"
#include "search/trained_network.h"
#include "search/training_data.h"
#include "search/training_plan.h"

namespace rlnas {

struct RunSetup {
  // Made by all ranks together, which must agree (check_same_run); `log` is told of the device and of files
  // left out.
  RunSetup(const TrainConfig& config, Communicator& communicator, const RunLog& log);
  RunSetup(const RunSetup&) = delete;  // `batches` refers to `data`
  RunSetup& operator=(const RunSetup&) = delete;

  DeviceChoice device;
  TrainingData data;
  TrainingBatches batches;
  RunLength length;
  std::unique_ptr<TrainedNetwork> network;
  StepSpec step;
  DryRun plan;  // of the largest share that a rank has of a batch
};

}  // namespace rlnas
