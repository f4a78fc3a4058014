// One training step of the NAS-Bench-201 SuperNet on a batch that lies ready: forward, loss, backward, SGD,
// as rlnas_train does it (search/executor.h), without the data loader.
#pragma once

#include <vector>

#include "rlnas/recorded_call.hpp"
#include "search/executor.h"
#include "search/nasbench201/cell.h"
#include "search/trained_network.h"

namespace rlnas::bench {

// The path that needs the most memory and work: 3x3 convolutions everywhere.
nasbench201::Cell largest_path();

// The calls of a training step of `path`, found by running it on the dry backend.
std::vector<RecordedCall> dry_step(const nasbench201::Cell& path, int batch_size);

struct StepMemory {
  double planned_mib = 0.0;  // the arena of the largest path, from the dry run
  double peak_mib = 0.0;     // of the arena, in the steps run so far
  double fixed_mib = 0.0;    // weights, gradients, momentum, statistics
};

class StepRunner {
 public:
  // The backend must outlive the runner.
  StepRunner(Backend& backend, int batch_size);

  // One step with `path` in all cells; its time in seconds.
  double run(const nasbench201::Cell& path);
  // The learning rate is 0.025 as published; benchmarks that repeat single calls want 0.
  void set_learning_rate(float rate) { spec_.sgd.learning_rate = rate; }

  int batch_size() const { return batch_.count; }
  StepMemory memory() const;

 private:
  Backend& backend_;
  TrainedNetwork supernet_;
  HostBatch batch_;
  StepSpec spec_;
  std::size_t planned_bytes_;
  Executor state_;
};

}  // namespace rlnas::bench
