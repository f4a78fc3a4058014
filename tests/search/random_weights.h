// Random SuperNet weights for tests: two flat buffers laid out by a segment table, and the sums of each
// tensor.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/philox.h"
#include "engine/segment_table.h"

namespace rlnas::test {

struct WeightPair {
  std::vector<float> before, after;
};

// `after` is `before` plus noise of about a third of its size, so that angles are neither tiny nor all alike.
inline WeightPair random_weights(const SegmentTable& segments, std::uint64_t seed) {
  WeightPair weights;
  weights.before.resize(std::size_t(segments.buffer_count()));
  weights.after.resize(std::size_t(segments.buffer_count()));
  for (int s = 0; s < segments.size(); ++s) {
    RandomStream random(seed, segments[s].name);
    const float noise = 0.1f + 0.6f * random.uniform();
    for (std::int64_t i = 0; i < segments[s].count; ++i) {
      const std::size_t at = std::size_t(segments[s].offset + i);
      weights.before[at] = random.uniform() - 0.5f;
      weights.after[at] = weights.before[at] + noise * (random.uniform() - 0.5f);
    }
  }
  return weights;
}

// In extended precision: the oracle, and the tests' short way to a table.
inline std::vector<AngleSums> plain_sums(const SegmentTable& segments, const WeightPair& weights) {
  std::vector<AngleSums> sums;
  for (const Segment& segment : segments) {
    long double dot = 0, norm0 = 0, norm1 = 0;
    for (std::int64_t i = 0; i < segment.count; ++i) {
      const std::size_t at = std::size_t(segment.offset + i);
      const double a = weights.before[at], b = weights.after[at];
      dot += a * b, norm0 += a * a, norm1 += b * b;
    }
    sums.push_back({double(dot), double(norm0), double(norm1)});
  }
  return sums;
}

}  // namespace rlnas::test
