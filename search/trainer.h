// train() over the ranks of a run. rlnas.hpp's train() is the same with one process.
//
// Every rank walks the same paths and has the same weights, bit for bit; each takes its share of every
// batch and the gradients are averaged, so that --batch-size means the batch over all ranks. Batch norm sees
// a rank's own share, as it does in PyTorch's DistributedDataParallel; the running statistics that are saved
// are rank 0's. Rank 0 alone logs, reports progress, and touches the run directory; it hands its state to the
// others at the start, so that only it needs the files of a run to resume.
#pragma once

#include "engine/comm/communicator.h"
#include "rlnas/train.hpp"

namespace rlnas {

// should_stop is asked on every rank; one of them is enough to stop all, after saving.
// Errors: those of train(); communication.
// Determinism: a function of config and the number of ranks.
TrainResult train(const TrainConfig& config, const TrainCallbacks& callbacks, Communicator& communicator);

}  // namespace rlnas
