// The weights of a differentiable search on the device: what weighted sums of a graph multiply their terms
// by, and where a backward pass leaves the gradients of these factors. A batch norm without gamma takes the
// factor of its term as its gamma, so that it costs no pass over memory, and its gradient is the sum of that
// of gamma; other terms are scaled as the sum reads them. Source: Liu, Simonyan and Yang, DARTS, ICLR 2019.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/device_bytes.h"
#include "kernels/backend.h"

namespace rlnas {

class Graph;

// One term of a weighted sum. Terms are counted in the order of the graph.
struct MixtureUse {
  int node = -1;    // the sum
  int weight = -1;  // that its term is multiplied by
  int channels = 0;
};
std::vector<MixtureUse> mixture_uses(const Graph& graph);

class Mixture {
 public:
  Mixture(Backend& backend, const Graph& graph, int weights);

  int weights() const { return weights_; }
  // Shapes: values [weights].
  void set(const std::vector<float>& values);
  // [channels of the use], all the same.
  const float* factors(int use) const { return row(uses_[std::size_t(use)].weight); }
  const float* zeros() const { return row(weights_); }
  // [channels of the use], whose sum is the gradient of its factor.
  float* gradient(int use) const { return gradients_.as<float>() + offsets_[std::size_t(use)]; }
  // The gradients that the last backward pass left, of every weight: sums over its uses in their order. Waits
  // for the device. Shapes: [weights].
  std::vector<double> gradients() const;

  std::size_t device_bytes() const;

 private:
  const float* row(int index) const { return factors_.as<float>() + std::size_t(index) * row_; }

  Backend& backend_;
  std::vector<MixtureUse> uses_;
  std::vector<std::size_t> offsets_;  // of each use; behind the last the end
  int weights_;
  std::size_t row_;  // floats, as many as the widest use needs
  DeviceBytes factors_, gradients_;
};

}  // namespace rlnas
