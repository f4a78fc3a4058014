#include "kernels/cuda/linear_bias.cuh"

#include "kernels/cuda/linear_bias.h"

namespace rlnas {

void add_bias(const LinearSpec& spec, const float* bias, float* y, GpuStream stream) {
  launch_add_bias(spec, bias, y, stream);
}

void bias_gradient(const LinearSpec& spec, const float* dy, float* dbias, GpuStream stream) {
  launch_bias_gradient(spec, dy, dbias, stream);
}

}  // namespace rlnas
