#include "engine/angle_tables.h"

namespace rlnas {

AngleTables::AngleTables(Backend& backend, const SegmentTable& segments)
    : AngleTables(backend, segments.blocks(), segments.size(),
                  angle_pieces(segments.blocks(), segments.size())) {}

AngleTables::AngleTables(Backend& backend, const std::vector<SegmentBlock>& blocks, int segment_count,
                         const AnglePieceTables& tables)
    : segment_count_(segment_count),
      block_count_(int(blocks.size())),
      piece_count_(int(tables.pieces.size())),
      span_count_(int(tables.spans.size())),
      blocks_(backend, blocks.data(), blocks.size() * sizeof(SegmentBlock)),
      pieces_(backend, tables.pieces.data(), tables.pieces.size() * sizeof(SegmentBlock)),
      spans_(backend, tables.spans.data(), tables.spans.size() * sizeof(AngleSpan)) {}

TakeAngleSums AngleTables::call() const {
  return {.blocks = blocks_.as<SegmentBlock>(),
          .block_count = block_count_,
          .pieces = {.pieces = pieces_.as<SegmentBlock>(),
                     .piece_count = piece_count_,
                     .spans = spans_.as<AngleSpan>(),
                     .span_count = span_count_},
          .segment_count = segment_count_};
}

std::size_t AngleTables::device_bytes() const {
  return std::size_t(block_count_ + piece_count_) * sizeof(SegmentBlock) +
         std::size_t(span_count_) * sizeof(AngleSpan);
}

}  // namespace rlnas
