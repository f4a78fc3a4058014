// What the sums of a batch norm become: of its statistics, and of its gradient.
#pragma once

#include "kernels/backend.h"
#include "kernels/cuda/pack.cuh"

namespace rlnas {

// What a pass leaves behind for channel c; gamma and beta may be null.
__device__ __forceinline__ void save_channel(int c, double mean, double variance, float epsilon,
                                             const float* gamma, const float* beta, BatchNormSaved saved) {
  const double inv_std = 1.0 / sqrt(variance + double(epsilon));
  const double scale = (gamma != nullptr ? double(gamma[c]) : 1.0) * inv_std;
  saved.mean[c] = float(mean);
  saved.inv_std[c] = float(inv_std);
  saved.scale[c] = float(scale);
  saved.shift[c] = float((beta != nullptr ? double(beta[c]) : 0.0) - mean * scale);
}

// The running statistics of channel c take in those of this batch; their variance is unbiased.
__device__ __forceinline__ void update_running(int c, const BatchNormSpec& spec, double mean, double variance,
                                               float* running_mean, float* running_var) {
  const double rows = spec.rows;
  const double unbiased = spec.rows > 1 ? variance * rows / (rows - 1.0) : variance;
  const double keep = 1.0 - double(spec.momentum), take = spec.momentum;
  running_mean[c] = float(keep * double(running_mean[c]) + take * mean);
  running_var[c] = float(keep * double(running_var[c]) + take * unbiased);
}

// What statistics leave behind, beside their sums.
struct BatchNormResult {
  const float *gamma = nullptr, *beta = nullptr;
  float *running_mean = nullptr, *running_var = nullptr;
  BatchNormSaved saved = {};
};

// From the mean and the mean squared distance from it, which rounding may have made negative. NaN stays.
__device__ __forceinline__ void finish_statistics(int c, const BatchNormSpec& spec, double mean,
                                                  double squares, const BatchNormResult& result) {
  const double variance = squares < 0.0 ? 0.0 : squares;
  save_channel(c, mean, variance, spec.epsilon, result.gamma, result.beta, result.saved);
  update_running(c, spec, mean, variance, result.running_mean, result.running_var);
}

// What the gradient's sums leave behind, [C] each: dx = scale*dy + slope*(x - mean) + offset. dgamma and
// dbeta may be null.
struct BatchNormGradientResult {
  float *slope = nullptr, *offset = nullptr, *dgamma = nullptr, *dbeta = nullptr;
};

// That dx, to the bit wherever it is made.
template <int Width>
__device__ __forceinline__ Pack<Width> norm_gradient(const Pack<Width>& dy, const Pack<Width>& x,
                                                     const Pack<Width>& mean, const Pack<Width>& scale,
                                                     const Pack<Width>& slope, const Pack<Width>& offset) {
  Pack<Width> dx;
  for (int i = 0; i < Width; ++i)
    dx.value[i] =
        fmaf(scale.value[i], dy.value[i], fmaf(slope.value[i], x.value[i] - mean.value[i], offset.value[i]));
  return dx;
}

// From the sums of dy and dy * (x - mean).
__device__ __forceinline__ void finish_gradient(int c, double rows, double sum_dy, double sum_dy_x,
                                                ConstBatchNormSaved saved,
                                                const BatchNormGradientResult& result) {
  const double inv_std = saved.inv_std[c], scale = saved.scale[c];
  if (result.dgamma != nullptr) result.dgamma[c] = float(sum_dy_x * inv_std);
  if (result.dbeta != nullptr) result.dbeta[c] = float(sum_dy);
  result.slope[c] = float(-scale * inv_std * inv_std * sum_dy_x / rows);
  result.offset[c] = float(-scale * sum_dy / rows);
}

// The same as the note that a convolution leaves on the gradient of its input (Backend::note_bytes): floats
// [4][C].
struct BatchNormNote {
  float *slope, *offset, *dgamma, *dbeta;

  static std::size_t bytes(int channels) { return 4 * std::size_t(channels) * sizeof(float); }
  static BatchNormNote at(void* note, int channels) {
    float* const base = static_cast<float*>(note);
    return {base, base + channels, base + 2 * channels, base + 3 * channels};
  }
  operator BatchNormGradientResult() const { return {slope, offset, dgamma, dbeta}; }
};

}  // namespace rlnas
