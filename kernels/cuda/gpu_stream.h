// A CUDA stream as CUDA's own headers name it, for code that only passes it on and needs none of them.
#pragma once

struct CUstream_st;

namespace rlnas {

using GpuStream = CUstream_st*;

}  // namespace rlnas
