// What a differentiable search does beside training weights: a pass over held-out images before each training
// step, whose gradient moves the weights of the candidates (first order: at the present weights), and its
// part of a checkpoint. Source: Liu, Simonyan and Yang, DARTS, ICLR 2019; method.md 12.3.
#pragma once

#include <cstdint>
#include <string>

#include "engine/comm/communicator.h"
#include "engine/safetensors.h"
#include "search/mixture_mover.h"
#include "search/state_metadata.h"
#include "search/training_data.h"

namespace rlnas {

class MixtureSearch {
 public:
  // All of it must outlive this.
  MixtureSearch(const TrainConfig& config, const TrainedNetwork& network, const TrainingData& data,
                Backend& backend, Executor& executor, const RankPlace& place);

  void start(std::uint64_t seed) { mover_.start(seed); }
  void share(Communicator& communicator);  // rank 0's state, to all
  void save_model(TensorFile& file) const;
  void save_optimiser(TensorFile& file) const;
  // Errors: data, naming `path`, for a file without such a state.
  void load(const TensorFile& file, const std::string& path);

  // Whether the weights of the candidates move in this epoch.
  bool moves(int epoch) const { return epoch >= begin_; }
  // On the held-out batch of a step; all ranks together.
  void step(const Executor::Forward& forward, int epoch, int place, const StepSpec& spec,
            Communicator& communicator);

  TrainProgress::Mixture progress() const;
  void begin_epoch() { epoch_ = {}; }
  std::string genotype() const { return mover_.genotype(); }

 private:
  Executor& executor_;
  TrainingBatches held_out_;
  int begin_;
  MixtureMover mover_;
  HeldOutProgress epoch_;  // but for the steps of Adam
  HostBatch batch_;
};

}  // namespace rlnas
