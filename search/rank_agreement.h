// What the ranks of a training run have to have in common: settings and images, the state they start from,
// and from there on the weights.
#pragma once

#include <cstdint>

#include "engine/comm/communicator.h"
#include "engine/device.h"
#include "rlnas/train.hpp"
#include "search/executor.h"
#include "search/run_directory.h"

namespace rlnas {

// Errors, on every rank: usage when the settings of one differ from rank 0's, data when its images do, device
// when its kind of device does (--device auto may find one on one machine and none on another).
void check_same_run(const TrainConfig& config, std::uint32_t data_checksum, const DeviceChoice& device,
                    Communicator& communicator);

// `own`: what tells the device of this rank from all others (cuda_devices.h); empty where ranks may share it.
// Errors, on every rank: device when two ranks have the same.
void check_own_devices(const std::string& own, Communicator& communicator);

// Everything a run goes on from, from rank 0 to all.
void share_state(Executor& state, RunProgress& progress, Communicator& communicator);

// Rank 0's running statistics, to all.
void share_statistics(Executor& state, Communicator& communicator);

LossSums sum_over_ranks(const LossSums& own, Communicator& communicator);
// Sums of all ranks' values, each times the share of the batch that the rank had, in the order of ranks.
std::vector<double> mean_over_ranks(std::vector<double> own, double share, Communicator& communicator);

// Errors, on every rank: run_failed when the weights of one differ from rank 0's in any bit.
void check_same_weights(const std::vector<float>& weights, Communicator& communicator);

// Threads for a rank that was given no number: the machine's cores divided among its ranks, unless the
// launcher has bound it to fewer. 0: all cores.
int threads_of_rank(const RankPlace& place);

}  // namespace rlnas
