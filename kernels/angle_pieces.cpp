#include "kernels/angle_pieces.h"

#include <algorithm>

namespace rlnas {

AnglePieceTables angle_pieces(const std::vector<SegmentBlock>& blocks, int segment_count) {
  AnglePieceTables tables;
  std::size_t at = 0;
  for (int segment = 0; segment < segment_count; ++segment) {
    const int first = int(tables.pieces.size());
    for (; at < blocks.size() && blocks[at].segment == segment; ++at)
      for (int done = 0; done < blocks[at].count; done += AnglePieces::kPieceElements)
        tables.pieces.push_back({blocks[at].offset + done,
                                 std::min(AnglePieces::kPieceElements, blocks[at].count - done), segment});
    if (int(tables.pieces.size()) == first) tables.pieces.push_back({0, 0, segment});
    const int first_group = first / AnglePieces::kGroupPieces,
              last_group = int(tables.pieces.size() - 1) / AnglePieces::kGroupPieces;
    if (last_group > first_group)
      tables.spans.push_back({segment, first_group, last_group - first_group + 1});
  }
  return tables;
}

}  // namespace rlnas
