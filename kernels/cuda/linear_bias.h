// What the classifier needs beside cuBLAS's products, for callers that are plain C++: linear_bias.cuh.
#pragma once

#include "kernels/cuda/gpu_stream.h"
#include "rlnas/spec.hpp"

namespace rlnas {

// y [N,O] += bias [O]
void add_bias(const LinearSpec& spec, const float* bias, float* y, GpuStream stream);
// dbias [O] <- sums of dy [N,O] over the batch
void bias_gradient(const LinearSpec& spec, const float* dy, float* dbias, GpuStream stream);

}  // namespace rlnas
