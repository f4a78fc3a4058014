// What indicators share that look at the gradients of the loss by the weights.
#pragma once

#include <span>
#include <string>

#include "search/probe.h"

namespace rlnas {

// The mean cross-entropy's by every parameter, in the layout's order, padding included; until the next pass.
// Normalised by the batch's own statistics.
Executor::HostView gradients_of(Probe::Network& network, const Program& program, const Probe::Batch& batch);

// Those of convolutions and classifiers, which such indicators are sums over: visit(first, count) for each
// tensor.
template <class Visit>
void for_each_layer(const Probe::Network& network, const Visit& visit) {
  for (const Segment& segment : network.layout.tensors().parameters())
    if (segment.shape.size() > 1) visit(std::size_t(segment.offset), std::size_t(segment.count));
}

}  // namespace rlnas
