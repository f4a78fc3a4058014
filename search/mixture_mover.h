// The numbers that a differentiable search moves (alphas, betas), the weights that a softmax makes of them on
// the device, and Adam. Source: Liu, Simonyan and Yang, DARTS, ICLR 2019; Xu et al., PC-DARTS, ICLR 2020.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/adam.h"
#include "ops/mixture.h"
#include "search/executor.h"
#include "search/trained_network.h"

namespace rlnas {

// Softmax of each group. Shapes: logits and result [buffer_count of the spec].
std::vector<float> mixture_weights(const MixtureSpec& spec, const std::vector<float>& logits);
// The gradient of the logits from that of their weights, likewise.
std::vector<double> logit_gradients(const MixtureSpec& spec, const std::vector<float>& weights,
                                    const std::vector<double>& weight_gradients);

class MixtureMover {
 public:
  struct State {
    std::vector<float> logits;
    AdamState adam;
  };

  // The weighted sums of the executor's passes read this from here on; network and executor must outlive it.
  MixtureMover(const TrainedNetwork& network, Backend& backend, Executor& executor, const AdamSpec& adam);

  const MixtureSpec& spec() const { return spec_; }
  const State& state() const { return state_; }
  const std::vector<float>& weights() const { return weights_; }
  void start(std::uint64_t seed);  // logits around 0, with a deviation of 1e-3 as published
  void set_state(State state);
  // A step of Adam. Shapes: gradients of the weights [buffer_count]. Errors: run_failed where one is not
  // finite.
  void move(const std::vector<double>& gradients);

  double alpha_entropy() const;  // mean over the edges, in nats
  std::string genotype() const;  // that the weights favour
  std::size_t device_bytes() const { return mixture_.device_bytes(); }

 private:
  const TrainedNetwork& network_;
  const MixtureSpec& spec_;
  AdamSpec adam_;
  Mixture mixture_;
  State state_;
  std::vector<float> weights_;
};

}  // namespace rlnas
