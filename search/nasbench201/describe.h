// The facts about one cell that need no SuperNet.
#pragma once

#include <array>
#include <cstdint>

#include "search/nasbench201/cell.h"

namespace rlnas::nasbench201 {

struct CellDescription {
  Cell cell;
  int index = 0;  // benchmark index
  int enumeration_index = 0;
  std::int64_t macs = 0;
  std::int64_t params = 0;
  int live_paths = 0;
  std::array<int, kEdgeCount> multiplicity{};  // paths over each edge
  std::int64_t angle_vector_length = 0;        // 0 for a dead cell
};

// Errors: usage for impossible classes or image_size.
CellDescription describe(const Cell& cell, int classes, int image_size);

}  // namespace rlnas::nasbench201
