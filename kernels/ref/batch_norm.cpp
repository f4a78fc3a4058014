// Batch normalisation (Ioffe and Szegedy 2015), two-pass: mean first, then the mean squared distance from it.
#include <cmath>

#include "kernels/ref/ref_backend.h"

namespace rlnas {
namespace {

void save(int c, double mean, double variance, float epsilon, const float* gamma, const float* beta,
          BatchNormSaved saved) {
  const double inv_std = 1.0 / std::sqrt(variance + double(epsilon));
  const double scale = (gamma != nullptr ? double(gamma[c]) : 1.0) * inv_std;
  saved.mean[c] = float(mean);
  saved.inv_std[c] = float(inv_std);
  saved.scale[c] = float(scale);
  saved.shift[c] = float((beta != nullptr ? double(beta[c]) : 0.0) - mean * scale);
}

}  // namespace

void RefBackend::run(const BatchNormStatistics& call, Workspace) {
  const auto& [spec, values, gamma, beta, running_mean, running_var, saved] = call;
  const RefValues x(values);
  const double rows = spec.rows;
  for (int c = 0; c < spec.channels; ++c) {
    const auto at = [&](int m) {
      return double(x[std::size_t(m) * std::size_t(spec.channels) + std::size_t(c)]);
    };
    double mean = 0.0, variance = 0.0;
    for (int m = 0; m < spec.rows; ++m) mean += at(m) / rows;
    for (int m = 0; m < spec.rows; ++m) variance += (at(m) - mean) * (at(m) - mean) / rows;
    save(c, mean, variance, spec.epsilon, gamma, beta, saved);
    const double unbiased = spec.rows > 1 ? variance * rows / (rows - 1.0) : variance;
    const double take = spec.momentum;
    running_mean[c] = float((1.0 - take) * double(running_mean[c]) + take * mean);
    running_var[c] = float((1.0 - take) * double(running_var[c]) + take * unbiased);
  }
}

// With z = (x - mean)*inv_std: dx = scale * (g - mean(g) - z * mean(g*z)), where g is dy as the activation
// lets it through. Which side of a bound a value is on is told from its float, as it is made elsewhere.
void RefBackend::run(const BatchNormBackward& call, Workspace) {
  const BatchNormSpec& spec = call.spec;
  const RefValues x(call.x), dy(call.dy), dx(call.dx);
  const ConstBatchNormSaved& saved = call.saved;
  for (int c = 0; c < spec.channels; ++c) {
    const auto at = [&](int m) { return std::size_t(m) * std::size_t(spec.channels) + std::size_t(c); };
    const auto z = [&](int m) {
      return (double(x[at(m)]) - double(saved.mean[c])) * double(saved.inv_std[c]);
    };
    const auto gradient = [&](int m) {
      const float made = std::fma(saved.scale[c], float(x[at(m)]), saved.shift[c]);
      return lets_through(call.activation, made) ? double(dy[at(m)]) : 0.0;
    };
    double sum_dy = 0.0, sum_dy_z = 0.0;
    for (int m = 0; m < spec.rows; ++m) {
      sum_dy += gradient(m);
      sum_dy_z += gradient(m) * z(m);
    }
    if (call.dgamma != nullptr) call.dgamma[c] = float(sum_dy_z);
    if (call.dbeta != nullptr) call.dbeta[c] = float(sum_dy);
    for (int m = 0; m < spec.rows; ++m)
      dx[at(m)] =
          float(double(saved.scale[c]) * (gradient(m) - sum_dy / spec.rows - z(m) * sum_dy_z / spec.rows));
  }
}

void RefBackend::run(const BatchNormInference& call, Workspace) {
  const auto& [spec, gamma, beta, running_mean, running_var, saved] = call;
  for (int c = 0; c < spec.channels; ++c)
    save(c, double(running_mean[c]), double(running_var[c]), spec.epsilon, gamma, beta, saved);
}

void RefBackend::run(const ChannelDots& call, Workspace) {
  const int rows = call.rows, channels = call.channels;
  const RefValues x(call.x), dy(call.dy);
  for (int c = 0; c < channels; ++c) {
    double total = 0.0;
    for (int m = 0; m < rows; ++m) {
      const std::size_t at = std::size_t(m) * std::size_t(channels) + std::size_t(c);
      total += double(x[at]) * double(dy[at]);
    }
    call.dots[c] = float(total);
  }
}

}  // namespace rlnas
