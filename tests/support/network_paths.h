// SuperNets along paths that a test chooses, and forward passes as a training step takes them.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "search/trained_network.h"

namespace rlnas::test {

// Without a sampler it runs along() the paths that it is given.
inline TrainedNetwork supernet_of(const Space& space, const NetworkOptions& options, StepPaths sampler = {},
                                  Initializer initializer = Initializer::pytorch) {
  return {space, options, initializer, Compat::none, std::move(sampler)};
}

// One path for the whole network, or one for each cell that has its own.
inline auto along(const TrainedNetwork& network, std::vector<Genes> paths) {
  return [&network, paths = std::move(paths)](Context& context, const Tensor& images) {
    return network.forward_along(context, images, paths).logits;
  };
}

inline auto at_step(TrainedNetwork& network, std::int64_t step) {
  return [&network, step](Context& context, const Tensor& images) {
    return network.forward(context, images, step);
  };
}

}  // namespace rlnas::test
