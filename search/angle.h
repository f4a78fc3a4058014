// The angle between initial and trained weights from three sums, and the scores built on it.
// Source: method.md 7.1; computed in double and clamped, where the published code is FP32 and unclamped.
#pragma once

#include <string_view>
#include <vector>

#include "engine/segment_table.h"

namespace rlnas {

enum class ScoreKind {
  angle,         // of the whole weight vector, with path multiplicities: the published score
  op_angle_sum,  // sum of each live operation's own angle
};

// arccos(dot / max(|w0| |w1|, 1e-8)), in radians, 0..pi.
double angle_rad(const AngleSums& sums);

// What every angle table is made of: one finite sum a tensor.
// Errors: run_failed when the sizes differ or a sum is not finite (a NaN in the weights), naming the tensor.
void check_sums(const SegmentTable& segments, const std::vector<AngleSums>& sums);

// "angle" | "op-angle-sum". Errors: usage, naming --score.
ScoreKind parse_score_kind(std::string_view text);
std::string_view to_string(ScoreKind kind);

}  // namespace rlnas
