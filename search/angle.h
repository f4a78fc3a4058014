// The angle between initial and trained weights from three sums.
// Source: method.md 7.1; computed in double and clamped, where the published code is FP32 and unclamped.
#pragma once

#include <vector>

#include "engine/segment_table.h"

namespace rlnas {

// arccos(dot / max(|w0| |w1|, 1e-8)), in radians, 0..pi.
double angle_rad(const AngleSums& sums);

// What every angle table is made of: one finite sum a tensor.
// Errors: run_failed when the sizes differ or a sum is not finite (a NaN in the weights), naming the tensor.
void check_sums(const SegmentTable& segments, const std::vector<AngleSums>& sums);

}  // namespace rlnas
