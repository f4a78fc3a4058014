// Graphs that cuDNN offers and the CUDA backend leaves to its own kernels: batch norm and pooling. They are
// planned all the same, so that the choice rests on what cuDNN says today (docs/cudnn_plans.md).
#pragma once

#include "kernels/cuda/cudnn_graph.h"
#include "tests/cuda_plans/network_problems.h"

namespace rlnas::test {

// Sums of x and x^2 over the rows: the first half of batch_norm_statistics, without a normalised output.
CudnnDescriptor statistics_graph(const BatchNormSpec& spec, cudnnDataType_t type);
// Training-mode batch norm: NORM_FORWARD with running statistics, or NORM_BACKWARD.
CudnnDescriptor norm_graph(const NormProblem& problem, cudnnDataType_t type);
// Averages leave padding out. Maxima write and read an index.
CudnnDescriptor pool_graph(const PoolProblem& problem, cudnnDataType_t type);
// The gradient of a maximum without an index, from x and y.
CudnnDescriptor max_pool_gradient_without_index(const PoolSpec& spec, cudnnDataType_t type);

}  // namespace rlnas::test
