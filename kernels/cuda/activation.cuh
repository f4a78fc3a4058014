// An activation as a clamp, and its gradient, for the kernels that pass values or gradients through one.
#pragma once

#include "kernels/cuda/pack.cuh"

namespace rlnas {

struct ActivationBounds {
  float low = 0.0f, high = 0.0f;

  // Whether there is an activation.
  __device__ __forceinline__ bool clamps() const { return low > -std::numeric_limits<float>::infinity(); }
};

inline ActivationBounds bounds_of(Activation activation) {
  const float infinity = std::numeric_limits<float>::infinity();
  return {activation == Activation::none ? -infinity : 0.0f,
          activation == Activation::relu6 ? 6.0f : infinity};
}

// Keeps NaN, so that a diverging run is seen.
__device__ __forceinline__ float clamp(float value, const ActivationBounds& bounds) {
  value = value < bounds.low ? bounds.low : value;
  return value > bounds.high ? bounds.high : value;
}

// The gradient where the activation let its value through.
template <int Width>
__device__ __forceinline__ Pack<Width> passed_on(const Pack<Width>& activated, Pack<Width> gradient,
                                                 const ActivationBounds& bounds) {
  for (int i = 0; i < Width; ++i) {
    const bool passes = activated.value[i] > bounds.low && activated.value[i] < bounds.high;
    gradient.value[i] = passes ? gradient.value[i] : 0.0f;
  }
  return gradient;
}

// What a batch norm makes of x, to the bit as affine_sum_kernel does.
template <int Width>
__device__ __forceinline__ Pack<Width> normed(Pack<Width> x, const Pack<Width>& scale,
                                              const Pack<Width>& shift) {
  for (int i = 0; i < Width; ++i) x.value[i] = fmaf(scale.value[i], x.value[i], shift.value[i]);
  return x;
}

}  // namespace rlnas
