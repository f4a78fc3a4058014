// The names and shapes of a SuperNet's tensors as one number, to compare with the published ones.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/crc32.h"
#include "engine/segment_table.h"

namespace rlnas::test {

// CRC-32 of the sorted lines "name d0xd1x...", joined by newlines: method.md appendix D.
inline std::uint32_t crc_of_names(const SegmentTable& table) {
  std::vector<std::string> lines;
  for (const Segment& segment : table) {
    std::string line = segment.name;
    for (std::size_t d = 0; d < segment.shape.size(); ++d)
      line += (d == 0 ? ' ' : 'x') + std::to_string(segment.shape[d]);
    lines.push_back(std::move(line));
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) all += (all.empty() ? "" : "\n") + line;
  return crc32_of(all);
}

}  // namespace rlnas::test
