// The facts about one architecture that need no SuperNet, and its drawing for people.
#pragma once

#include <cstdint>
#include <string>

#include "search/darts/cell.h"
#include "search/darts/counts.h"
#include "search/darts/network.h"

namespace rlnas::darts {

struct ArchitectureDescription {
  Architecture architecture;
  std::int64_t flops = 0;   // of the stand-alone network
  std::int64_t params = 0;  // of the stand-alone network
  std::array<int, kCellKinds> live_paths{};
  std::array<Multiplicity, kCellKinds> multiplicity{};  // paths over each edge
  std::int64_t angle_vector_length = 0;                 // of the SuperNet's weights
};

// Errors: usage for an impossible network.
ArchitectureDescription describe(const Architecture& architecture, const NetworkSpec& supernet,
                                 const NetworkSpec& stand_alone);

// Both cells, a line for each node: "  node 3 = dil_conv_3x3(cell k-2) + sep_conv_5x5(node 2)".
std::string drawing(const Architecture& architecture);

}  // namespace rlnas::darts
