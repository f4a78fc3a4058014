// The 3x3 stride-1 average over the pixels inside the image (NAS-Bench-201's pooling edge), row by row.
//
// A row is walked with three rolling column sums, so a pixel costs three loads; the gradient is the same walk
// over dy/(rows*columns).
#pragma once

#include <cstdint>

#include "kernels/backend.h"

namespace rlnas {

// Rows [begin, end) of N*H, of the average of `from` or of its gradient, into the same rows of `to`.
// Shapes: both [N,H,W,C].
void average_3x3_rows(const PoolSpec& spec, std::int64_t begin, std::int64_t end, const float* from,
                      float* to, Store store_mode, Direction direction);

}  // namespace rlnas
