// The closed form of the angle in the DARTS spaces: every architecture's angle from 2x14x8 table entries and
// path multiplicities, in 28 additions of three sums. Source: method.md 7.2-7.4, appendix C.
#pragma once

#include <vector>

#include "engine/segment_table.h"
#include "rlnas/choices.hpp"
#include "search/angle.h"
#include "search/darts/cell.h"
#include "search/darts/counts.h"

namespace rlnas::darts {

// What one choice adds to the three sums for each path that runs over it.
struct ChoiceSums {
  AngleSums weights;    // of its tensors, in all cells of the kind together
  double ninths = 0.0;  // constants, in ninths: the ones of identity matrices, the 3x3 kernels of pools; the
                        // same in all three sums, and whole numbers so that equal vectors stay exact ties
};

struct AngleTable {
  AngleSums fixed;                   // stem, preprocessing, classifier
  PerChoice<ChoiceSums> choices{};   // [kind][edge][op]
  PerChoice<double> op_angle_rad{};  // [kind][edge][op], sum over cells of the operation's own angle
};

// `sums` holds the three sums of each segment of `segments`, tensors of the SuperNet described by `supernet`;
// segments with edge == -1 make the fixed part, but on CIFAR not the classifier's bias, which the published
// vector leaves out. Under Compat::megvii a dil_conv's gamma counts twice and its beta not at all.
// Errors: run_failed when the sizes differ or a sum is not finite (a NaN in the weights), naming the tensor,
// or when a tensor belongs to no choice of this space.
AngleTable make_angle_table(const SegmentTable& segments, const std::vector<AngleSums>& sums,
                            const NetworkSpec& supernet, Compat compat);

// The three sums of an architecture's whole weight vector.
AngleSums angle_sums(const AngleTable& table, const Architecture& architecture);

// Angle between the architecture's weight vectors, in radians.
// Architectures whose vectors hold the same entries as often get bit-equal angles: ties stay ties.
double angle_rad(const AngleTable& table, const Architecture& architecture);

// Sum over live edges of their operation's own angles: no multiplicity, no fixed part, no constants.
double op_angle_sum(const AngleTable& table, const Architecture& architecture);

double score(const AngleTable& table, const Architecture& architecture, ScoreKind kind);

}  // namespace rlnas::darts
