// The runs that the tests of several ranks share.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/safetensors.h"
#include "search/trainer.h"
#include "tests/support/ranks.h"
#include "tests/training/small_run.h"

namespace rlnas::test {

// 24 steps, the last of an epoch with 10 images: shares that no small number of ranks divides evenly.
inline TrainConfig ranks_run(const std::string& out) {
  TrainConfig config = small_run(out);
  config.data.spec = "synthetic:90";
  config.recipe.epochs = 4;
  config.device.threads = 1;
  return config;
}

inline void train_on(int size, const TrainConfig& config) {
  for (const RankOutcome& outcome :
       run_ranks(size, [&](Communicator& communicator) { train(config, {}, communicator); }))
    REQUIRE(outcome.error == "");
}

// All tensors of the run's last checkpoint.
inline std::vector<std::vector<float>> result_of(const std::string& run) {
  std::vector<std::vector<float>> all;
  for (const NamedTensor& tensor : read_safetensors(run + "/latest.safetensors").tensors)
    all.push_back(tensor.data);
  return all;
}

}  // namespace rlnas::test
