// The small kernels around a cuDNN convolution, for callers that are plain C++: operands to bfloat16 and
// results back, filter gradients to the layout of the weight buffer. Kernels in cast.cuh and
// filter_layout.cuh.
#pragma once

#include "kernels/cuda/gpu_stream.h"
#include "rlnas/spec.hpp"

namespace rlnas {

void stage_as_bf16(std::size_t count, const float* tensor, Bf16* copy, GpuStream stream);
void unstage_bf16(std::size_t count, const Bf16* copy, float* tensor, GpuStream stream);
// krsc [K,R,S,C/g] -> w [K,C/g,R,S]
void unstage_filter(const ConvSpec& spec, const float* krsc, float* w, GpuStream stream);
void unstage_filter(const ConvSpec& spec, const Bf16* krsc, float* w, GpuStream stream);

}  // namespace rlnas
