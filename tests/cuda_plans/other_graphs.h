// Graphs that cuDNN may have engines for and the CUDA backend never runs. They are planned all the same, so
// that the choice rests on what cuDNN says today (docs/cudnn_plans.md).
#pragma once

#include "kernels/cuda/norm_pool_plans.h"

namespace rlnas::test {

// Sums of x and x^2 over the rows: the first half of batch_norm_statistics, without a normalised output.
CudnnDescriptor statistics_graph(const BatchNormSpec& spec);
// The maximum and its gradient, by an index.
CudnnDescriptor max_pool_graph(const PoolSpec& spec, Direction direction);
// The gradient of a maximum without an index, from x and y.
CudnnDescriptor max_pool_gradient_without_index(const PoolSpec& spec);

}  // namespace rlnas::test
