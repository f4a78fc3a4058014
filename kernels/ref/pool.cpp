// Pooling. A window holds the pixels of its kernel x kernel square that lie inside the image.
#include <cmath>
#include <vector>

#include "kernels/ref/ref_backend.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

std::size_t at(int channels, int height, int width, int n, int h, int w, int c) {
  return std::size_t((n * height + h) * width + w) * std::size_t(channels) + std::size_t(c);
}

// Calls visit(index in y) for every output value.
template <class Visit>
void for_each_output(const PoolSpec& s, const Visit& visit) {
  for (int n = 0; n < s.batch; ++n)
    for (int p = 0; p < s.out_height(); ++p)
      for (int q = 0; q < s.out_width(); ++q)
        for (int c = 0; c < s.channels; ++c)
          visit(n, p, q, c, at(s.channels, s.out_height(), s.out_width(), n, p, q, c));
}

// Calls visit(index in x, position in the window) for every pixel of a window inside the image, in scan
// order.
template <class Visit>
void for_each_in_window(const PoolSpec& s, int n, int p, int q, int c, const Visit& visit) {
  for (int r = 0; r < s.kernel; ++r)
    for (int t = 0; t < s.kernel; ++t) {
      const int h = p * s.stride - s.padding + r, w = q * s.stride - s.padding + t;
      if (h < 0 || h >= s.in_height || w < 0 || w >= s.in_width) continue;
      visit(at(s.channels, s.in_height, s.in_width, n, h, w, c), r * s.kernel + t);
    }
}

void write(const std::vector<double>& sums, Store store, const RefValues& to) {
  for (std::size_t i = 0; i < sums.size(); ++i)
    to[i] = float(store == Store::accumulate ? double(to[i]) + sums[i] : sums[i]);
}

}  // namespace

void RefBackend::run(const AvgPoolForward& call, Workspace) {
  const PoolSpec& spec = call.spec;
  const RefValues x(call.x), y(call.y);
  check_spec(spec);
  for_each_output(spec, [&](int n, int p, int q, int c, std::size_t out) {
    double sum = 0.0;
    int count = 0;
    for_each_in_window(spec, n, p, q, c, [&](std::size_t in, int) {
      sum += double(x[in]);
      ++count;
    });
    y[out] = float(sum / count);
  });
}

void RefBackend::run(const AvgPoolBackward& call, Workspace) {
  const PoolSpec& spec = call.spec;
  const RefValues dy(call.dy);
  check_spec(spec);
  std::vector<double> sums(spec.in_count(), 0.0);
  for_each_output(spec, [&](int n, int p, int q, int c, std::size_t out) {
    int count = 0;
    for_each_in_window(spec, n, p, q, c, [&](std::size_t, int) { ++count; });
    for_each_in_window(spec, n, p, q, c, [&](std::size_t in, int) { sums[in] += double(dy[out]) / count; });
  });
  write(sums, call.store, call.dx);
}

void RefBackend::run(const MaxPoolForward& call, Workspace) {
  const PoolSpec& spec = call.spec;
  const RefValues x(call.x), y(call.y);
  check_spec(spec);
  for_each_output(spec, [&](int n, int p, int q, int c, std::size_t out) {
    bool first = true;
    for_each_in_window(spec, n, p, q, c, [&](std::size_t in, int position) {
      if (!first && !(x[in] > y[out]) && !std::isnan(float(x[in]))) return;
      first = false;
      y[out] = x[in];
      call.index[out] = std::uint8_t(position);
    });
  });
}

void RefBackend::run(const MaxPoolBackward& call, Workspace) {
  const PoolSpec& spec = call.spec;
  const RefValues dy(call.dy);
  check_spec(spec);
  std::vector<double> sums(spec.in_count(), 0.0);
  for_each_output(spec, [&](int n, int p, int q, int c, std::size_t out) {
    for_each_in_window(spec, n, p, q, c, [&](std::size_t in, int position) {
      if (position == call.index[out]) sums[in] += double(dy[out]);
    });
  });
  write(sums, call.store, call.dx);
}

void RefBackend::run(const GlobalAvgPoolForward& call, Workspace) {
  const auto& [batch, pixels, channels, values, y] = call;
  const RefValues x(values);
  for (int n = 0; n < batch; ++n)
    for (int c = 0; c < channels; ++c) {
      double sum = 0.0;
      for (int m = 0; m < pixels; ++m) sum += double(x[at(channels, 1, pixels, n, 0, m, c)]);
      y[n * channels + c] = float(sum / pixels);
    }
}

void RefBackend::run(const GlobalAvgPoolBackward& call, Workspace) {
  const auto& [batch, pixels, channels, dy, values] = call;
  const RefValues dx(values);
  for (int n = 0; n < batch; ++n)
    for (int m = 0; m < pixels; ++m)
      for (int c = 0; c < channels; ++c)
        dx[at(channels, 1, pixels, n, 0, m, c)] = float(double(dy[n * channels + c]) / pixels);
}

}  // namespace rlnas
