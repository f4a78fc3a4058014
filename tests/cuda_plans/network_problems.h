// The problems a device library has to plan for a network: found by running its training step on the dry
// backend, never listed by hand.
#pragma once

#include <string>
#include <vector>

#include "kernels/conv_problem.h"
#include "kernels/device.h"
#include "search/trained_network.h"

namespace rlnas::test {

struct PoolProblem {
  PoolSpec spec;
  Direction direction = Direction::forward;
};

struct NormProblem {
  BatchNormSpec spec;
  Direction direction = Direction::forward;
};

// Each once, in the order in which the network comes to them; convolutions that own kernels run left out.
struct NetworkProblems {
  std::vector<ConvProblem> convs;
  std::vector<NormProblem> norms;
  std::vector<PoolProblem> pools;
};

struct NetworkRun {
  int batch = 64;
  int image_size = 32;
  int sampled_paths = 32;  // beside the largest; enough to meet every operation of a space in every stage
};

NetworkProblems problems_of(TrainedNetwork& space, const NetworkRun& run);
// Of the published SuperNet of --space, with its own image size and number of classes.
NetworkProblems problems_of(const std::string& space, int batch);

}  // namespace rlnas::test
