#include "engine/segment_table.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace rlnas {

int SegmentTable::add(std::string name, std::vector<std::int64_t> shape, int cell, int edge, int op) {
  const std::int64_t count =
      std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<std::int64_t>());
  segments_.push_back({std::move(name), std::move(shape), buffer_count_, count, cell, edge, op});
  buffer_count_ += (count + kAlignment - 1) / kAlignment * kAlignment;
  return size() - 1;
}

int SegmentTable::add_at(std::int64_t offset, std::int64_t count) {
  segments_.push_back({{}, {count}, offset, count});
  buffer_count_ = std::max(buffer_count_, offset + count);
  return size() - 1;
}

std::int64_t SegmentTable::element_count() const {
  return std::accumulate(begin(), end(), std::int64_t{0},
                         [](std::int64_t sum, const Segment& segment) { return sum + segment.count; });
}

int SegmentTable::find(const std::string& name) const {
  const auto it = std::find_if(begin(), end(), [&](const Segment& segment) { return segment.name == name; });
  return it == end() ? -1 : int(it - begin());
}

std::vector<SegmentBlock> SegmentTable::blocks() const {
  std::vector<SegmentBlock> blocks;
  for (int s = 0; s < size(); ++s) {
    const Segment& segment = (*this)[s];
    for (std::int64_t done = 0; done < segment.count; done += SegmentBlock::kBlockElements)
      blocks.push_back({segment.offset + done,
                        std::int32_t(std::min(SegmentBlock::kBlockElements, segment.count - done)), s});
  }
  return blocks;
}

}  // namespace rlnas
