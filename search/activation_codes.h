// Which activations of a network are open, image by image: what NASWOT and SWAP count.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/graph.h"

namespace rlnas {

// The activations of a network, as many values as there are; those of one value are the same, and are kept
// once.
struct Activations {
  std::vector<int> nodes;
  std::vector<int> copies;  // of each: how many activations of the network it stands for
};
Activations activations_of(const Graph& graph);

// Of every two images, how many of their values [images,count] are open in both or in neither; added up times
// `copies` in `agreements` [images,images].
void add_agreements(std::span<const float> values, int images, int copies, std::span<double> agreements);

// Marks the patterns over the images that there are among `count` values: bit i is that of image i, of at
// most 16. Shapes: seen [65536].
void mark_patterns(std::span<const float> values, int images, std::span<std::uint8_t> seen);

}  // namespace rlnas
