// What kernels may use of a GPU, under nvcc: plain CUDA. Kernel sources include <gpu_runtime.cuh> and nothing
// else of CUDA; the include path decides whether that is this file or tests/emulation/include, which runs the
// same source on the CPU.
#pragma once

#include <cuda_runtime.h>

#include "kernels/check.h"
#include "kernels/cuda/gpu_stream.h"
#include "kernels/cuda/launch_shape.h"

// Loops whose index picks registers.
#define RLNAS_UNROLL _Pragma("unroll")

// An array in shared memory, and what a function that takes one calls its type.
#define RLNAS_SHARED(type, name, count) __shared__ type name[count]

namespace rlnas {

template <class T>
using SharedPointer = T*;

// Sixteen bytes through the read-only path that nobody reads again: the first-level cache keeps none of them.
__device__ __forceinline__ float4 load_once(const float4* from) {
  float4 v;
  asm("ld.global.nc.L1::no_allocate.v4.f32 {%0, %1, %2, %3}, [%4];"
      : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
      : "l"(from));
  return v;
}
__device__ __forceinline__ uint4 load_once(const uint4* from) {
  uint4 v;
  asm("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
      : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
      : "l"(from));
  return v;
}

// Queues kernel(args...) on the stream. Errors: device when the launch is refused.
template <class... Params, class... Args>
void launch(const char* name, void (*kernel)(Params...), const LaunchShape& shape, GpuStream stream,
            Args... args) {
  kernel<<<dim3(shape.grid.x, shape.grid.y, shape.grid.z), dim3(shape.block.x, shape.block.y, shape.block.z),
           0, stream>>>(args...);
  const cudaError_t status = cudaGetLastError();
  RLNAS_CHECK(status == cudaSuccess, device, "CUDA kernel ", name, ": ", cudaGetErrorString(status));
}

}  // namespace rlnas
