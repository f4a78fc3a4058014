// The tensors of the NAS-Bench-201 SuperNet under their published state-dict names, in state-dict order.
// Source: method.md appendix D.
#pragma once

#include "engine/segment_table.h"

namespace rlnas::nasbench201 {

// All trained tensors of the SuperNet: searchable ones carry (cell, edge, op), the others edge == op == -1.
// Errors: usage unless classes is positive.
SegmentTable supernet_segments(int classes);

}  // namespace rlnas::nasbench201
