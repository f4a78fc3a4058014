// Element-wise primitives.
#include "kernels/ref/ref_backend.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

double activate(Activation activation, double value) {
  if (activation == Activation::none) return value;
  if (value < 0.0) return 0.0;
  return activation == Activation::relu6 && value > 6.0 ? 6.0 : value;
}

// Mean of x[m, c] over the 3x3 pixels around m that lie inside the image.
double average_around(const AffineSumSpec& spec, const float* x, int m, int c) {
  const int h = m / spec.width % spec.height, w = m % spec.width;
  double total = 0.0;
  int pixels = 0;
  for (int dh = -1; dh <= 1; ++dh)
    for (int dw = -1; dw <= 1; ++dw) {
      if (h + dh < 0 || h + dh >= spec.height || w + dw < 0 || w + dw >= spec.width) continue;
      total += double(x[std::size_t(m + dh * spec.width + dw) * std::size_t(spec.channels) + std::size_t(c)]);
      ++pixels;
    }
  return total / pixels;
}

}  // namespace

void RefBackend::run(const AffineSum& call, Workspace) {
  const auto& [spec, sum, activated] = call;
  check_spec(spec);
  for (int m = 0; m < spec.rows; ++m)
    for (int c = 0; c < spec.channels; ++c) {
      const std::size_t at = std::size_t(m) * std::size_t(spec.channels) + std::size_t(c);
      double total = 0.0;
      for (int t = 0; t < spec.term_count; ++t) {
        const AffineTerm& term = spec.terms[std::size_t(t)];
        const double value = term.averaged ? average_around(spec, term.x, m, c) : double(term.x[at]);
        total += term.scale != nullptr ? double(term.scale[c]) * value + double(term.shift[c]) : value;
      }
      if (sum != nullptr) sum[at] = float(total);
      if (activated != nullptr) activated[at] = float(activate(spec.activation, total));
    }
}

void RefBackend::run(const ActivationBackward& call, Workspace) {
  const auto& [activation, count, activated, dy, dx, store] = call;
  for (std::size_t i = 0; i < count; ++i) {
    const float passed = lets_through(activation, activated[i]) ? dy[i] : 0.0f;
    dx[i] = store == Store::accumulate ? dx[i] + passed : passed;
  }
}

void RefBackend::run(const Add& call, Workspace) {
  const auto& [count, x, y, store] = call;
  for (std::size_t i = 0; i < count; ++i) y[i] = store == Store::accumulate ? y[i] + x[i] : x[i];
}

void RefBackend::run(const Fill& call, Workspace) {
  const auto& [count, value, y] = call;
  for (std::size_t i = 0; i < count; ++i) y[i] = value;
}

void RefBackend::run(const ScaleRows& call, Workspace) {
  const auto& [spec, scale, x, y, store] = call;
  check_spec(spec);
  for (std::size_t i = 0; i < spec.count(); ++i) {
    const double scaled = double(scale[i / std::size_t(spec.columns)]) * double(x[i]);
    y[i] = float(store == Store::accumulate ? double(y[i]) + scaled : scaled);
  }
}

}  // namespace rlnas
