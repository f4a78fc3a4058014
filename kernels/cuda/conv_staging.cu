#include "kernels/cuda/conv_staging.h"

#include "kernels/cuda/cast.cuh"
#include "kernels/cuda/filter_layout.cuh"

namespace rlnas {

void stage_as_bf16(std::size_t count, const float* tensor, Bf16* copy, GpuStream stream) {
  launch_to_bf16(count, tensor, copy, stream);
}

void unstage_bf16(std::size_t count, const Bf16* copy, float* tensor, GpuStream stream) {
  launch_to_float(count, copy, tensor, stream);
}

void unstage_filter(const ConvSpec& spec, const float* krsc, float* w, GpuStream stream) {
  launch_krsc_to_oihw(spec, krsc, w, stream);
}

void unstage_filter(const ConvSpec& spec, const Bf16* krsc, float* w, GpuStream stream) {
  launch_krsc_to_oihw(spec, krsc, w, stream);
}

}  // namespace rlnas
