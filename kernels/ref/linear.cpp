// The classifier: y = x w^T + bias and its gradients.
#include "kernels/ref/ref_backend.h"

namespace rlnas {

void RefBackend::linear_forward(const LinearSpec& spec, const float* x, const float* w, const float* bias,
                                float* y) {
  for (int n = 0; n < spec.batch; ++n)
    for (int o = 0; o < spec.out_features; ++o) {
      double sum = bias != nullptr ? double(bias[o]) : 0.0;
      for (int f = 0; f < spec.in_features; ++f)
        sum += double(x[n * spec.in_features + f]) * double(w[o * spec.in_features + f]);
      y[n * spec.out_features + o] = float(sum);
    }
}

void RefBackend::linear_backward_data(const LinearSpec& spec, const float* dy, const float* w, float* dx) {
  for (int n = 0; n < spec.batch; ++n)
    for (int f = 0; f < spec.in_features; ++f) {
      double sum = 0.0;
      for (int o = 0; o < spec.out_features; ++o)
        sum += double(dy[n * spec.out_features + o]) * double(w[o * spec.in_features + f]);
      dx[n * spec.in_features + f] = float(sum);
    }
}

void RefBackend::linear_backward_weights(const LinearSpec& spec, const float* x, const float* dy, float* dw,
                                         float* dbias) {
  for (int o = 0; o < spec.out_features; ++o) {
    double bias_sum = 0.0;
    for (int n = 0; n < spec.batch; ++n) bias_sum += double(dy[n * spec.out_features + o]);
    if (dbias != nullptr) dbias[o] = float(bias_sum);
    for (int f = 0; f < spec.in_features; ++f) {
      double sum = 0.0;
      for (int n = 0; n < spec.batch; ++n)
        sum += double(dy[n * spec.out_features + o]) * double(x[n * spec.in_features + f]);
      dw[o * spec.in_features + f] = float(sum);
    }
  }
}

}  // namespace rlnas
