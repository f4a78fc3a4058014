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
double average_around(const AffineSumSpec& spec, const RefValues& x, int m, int c) {
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
  const AffineSumSpec& spec = call.spec;
  const RefValues sum(call.sum), activated(call.activated);
  check_spec(spec);
  for (int m = 0; m < spec.rows; ++m)
    for (int c = 0; c < spec.channels; ++c) {
      const std::size_t at = std::size_t(m) * std::size_t(spec.channels) + std::size_t(c);
      double total = 0.0;
      for (int t = 0; t < spec.term_count; ++t) {
        const AffineTerm& term = spec.terms[std::size_t(t)];
        const RefValues x(term.x);
        const double value = term.averaged ? average_around(spec, x, m, c) : double(x[at]);
        total += term.scale != nullptr ? double(term.scale[c]) * value + double(term.shift[c]) : value;
      }
      if (sum != nullptr) sum[at] = float(total);
      if (activated != nullptr) activated[at] = float(activate(spec.activation, total));
    }
}

void RefBackend::run(const ActivationBackward& call, Workspace) {
  const RefValues activated(call.activated), dy(call.dy), dx(call.dx);
  for (std::size_t i = 0; i < call.count; ++i) {
    const float passed = lets_through(call.activation, activated[i]) ? float(dy[i]) : 0.0f;
    dx[i] = call.store == Store::accumulate ? dx[i] + passed : passed;
  }
}

void RefBackend::run(const Add& call, Workspace) {
  const RefValues x(call.x), y(call.y);
  for (std::size_t i = 0; i < call.count; ++i)
    y[i] = call.store == Store::accumulate ? float(y[i]) + float(x[i]) : float(x[i]);
}

void RefBackend::run(const Fill& call, Workspace) {
  const RefValues y(call.y);
  for (std::size_t i = 0; i < call.count; ++i) y[i] = call.value;
}

void RefBackend::run(const ScaleRows& call, Workspace) {
  const RowScaleSpec& spec = call.spec;
  const RefValues x(call.x), y(call.y);
  check_spec(spec);
  for (std::size_t i = 0; i < spec.count(); ++i) {
    const double scaled = double(call.scale[i / std::size_t(spec.columns)]) * double(x[i]);
    y[i] = float(call.store == Store::accumulate ? double(y[i]) + scaled : scaled);
  }
}

}  // namespace rlnas
