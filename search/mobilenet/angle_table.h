// The closed form of the angle on the MobileNet space: a chain, so every weight counts once and an
// architecture's sums are those of the fixed part and of one operation for each of 21 blocks. Source:
// method.md 7.2, 7.4, appendices C and D.
#pragma once

#include <array>
#include <vector>

#include "engine/segment_table.h"
#include "search/angle.h"
#include "search/mobilenet/architecture.h"

namespace rlnas::mobilenet {

struct AngleTable {
  AngleSums fixed;  // stem, first block's two convolutions, head convolution, classifier weight
  std::array<std::array<AngleSums, kOpCount>, kBlockCount> sums{};
  std::array<std::array<double, kOpCount>, kBlockCount> op_angle_rad{};  // of the operation's own vector
};

// `sums` holds the three sums of each segment of `segments`, which bear the published names; segments with
// edge == -1 make the fixed part, the others belong to block `cell` and option `op`. Left out as in the
// published vector: the batch norms of the fixed part, the last one of every operation, the classifier's
// bias. Errors: run_failed when the sizes differ, a name is not of this space or a sum is not finite, naming
// the tensor.
AngleTable make_angle_table(const SegmentTable& segments, const std::vector<AngleSums>& sums);

inline AngleSums sums_of(const AngleTable& table, const Architecture& architecture) {
  AngleSums total = table.fixed;
  for (std::size_t b = 0; b < kBlockCount; ++b) total += table.sums[b][std::size_t(architecture.ops[b])];
  return total;
}

// Angle between the architecture's weight vectors, in radians.
double angle_rad(const AngleTable& table, const Architecture& architecture);

// Sum over the blocks of their operation's own angle; an identity has none, and the fixed part does not
// count.
double op_angle_sum(const AngleTable& table, const Architecture& architecture);

double score(const AngleTable& table, const Architecture& architecture, ScoreKind kind);

}  // namespace rlnas::mobilenet
