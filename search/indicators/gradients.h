// What indicators share that look at the gradients of the loss by the weights.
#pragma once

#include <span>

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

// Of every weight's gradients over batches 0 .. batches-1, in the probe's scratch memory. Shapes: [floats of
// the layout]. Running means, so that the variance of two gradients that are nearly equal is not lost in
// rounding.
std::span<const GradientMoments> gradient_moments(Probe& probe, Probe::Network& network, int batches);

// ZiCo's score of so many batches; two are published.
double zico_of(Probe& probe, const Genes& genes, int batches);

}  // namespace rlnas
