// The tables of AnglePieces, made once on the host: which elements a warp takes, and which segments need a
// second sum. Known beforehand, they leave no block empty and nothing to look for on the device.
#pragma once

#include <vector>

#include "rlnas/spec.hpp"

namespace rlnas {

struct AnglePieceTables {
  std::vector<SegmentBlock> pieces;
  std::vector<AngleSpan> spans;
};

// Of a table of blocks in which the segments 0 .. segment_count - 1 follow each other in order; segments
// without a block are empty.
AnglePieceTables angle_pieces(const std::vector<SegmentBlock>& blocks, int segment_count);

}  // namespace rlnas
