// The classifier: y = x w^T + bias and its gradients.
#include "kernels/ref/ref_backend.h"

namespace rlnas {

void RefBackend::run(const LinearForward& call, Workspace) {
  const auto& [spec, x, w, bias, y] = call;
  for (int n = 0; n < spec.batch; ++n)
    for (int o = 0; o < spec.out_features; ++o) {
      double sum = bias != nullptr ? double(bias[o]) : 0.0;
      for (int f = 0; f < spec.in_features; ++f)
        sum += double(x[n * spec.in_features + f]) * double(w[o * spec.in_features + f]);
      y[n * spec.out_features + o] = float(sum);
    }
}

void RefBackend::run(const LinearBackwardData& call, Workspace) {
  const auto& [spec, dy, w, dx] = call;
  for (int n = 0; n < spec.batch; ++n)
    for (int f = 0; f < spec.in_features; ++f) {
      double sum = 0.0;
      for (int o = 0; o < spec.out_features; ++o)
        sum += double(dy[n * spec.out_features + o]) * double(w[o * spec.in_features + f]);
      dx[n * spec.in_features + f] = float(sum);
    }
}

void RefBackend::run(const LinearBackwardWeights& call, Workspace) {
  const auto& [spec, x, dy, dw, dbias] = call;
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
