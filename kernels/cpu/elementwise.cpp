// Element-wise passes, each at memory bandwidth: batch-norm apply + sum + activation, their gradients, sums.
#include "kernels/cpu/elementwise.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/activation_bounds.h"
#include "kernels/cpu/average_3x3.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vec.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

constexpr std::int64_t kElements = 16384;  // of one block of work

// Rows [begin, end) of the channels from c on, for a number of terms known to the compiler.
template <class V, int N, int Terms>
void affine_block(const AffineSumSpec& spec, std::int64_t begin, std::int64_t end, int c, float* sum,
                  float* activated) {
  V scales[Terms > 0 ? Terms : 1][N], shifts[N] = {};
  const float* sources[Terms > 0 ? Terms : 1];
  for (int t = 0; t < Terms; ++t) {
    const AffineTerm& term = spec.terms[std::size_t(t)];
    sources[t] = term.x;
    for (int i = 0; i < N; ++i) {
      const int channel = c + i * kWidth<V>;
      scales[t][i] = term.scale != nullptr ? load<V>(term.scale + channel) : splat<V>(1.0f);
      if (term.scale != nullptr) shifts[i] += load<V>(term.shift + channel);
    }
  }
  const Bounds bounds(spec.activation);
  const V low = splat<V>(bounds.low), high = splat<V>(bounds.high);
  for (std::int64_t m = begin; m < end; ++m) {
    const std::int64_t at = m * spec.channels + c;
    V total[N];
    for (int i = 0; i < N; ++i) total[i] = shifts[i];
    for (int t = 0; t < Terms; ++t)
      for (int i = 0; i < N; ++i) total[i] += scales[t][i] * load<V>(sources[t] + at + i * kWidth<V>);
    if (sum != nullptr)
      for (int i = 0; i < N; ++i) store<V>(sum + at + i * kWidth<V>, total[i]);
    if (activated != nullptr)
      for (int i = 0; i < N; ++i) store<V>(activated + at + i * kWidth<V>, clamp<V>(total[i], low, high));
  }
}

template <int Terms>
void affine_rows(const AffineSumSpec& spec, std::int64_t begin, std::int64_t end, float* sum,
                 float* activated) {
  const std::int64_t strip = rows_per_strip(spec.channels);
  for (std::int64_t row = begin; row < end; row += strip)
    for_channel_blocks(spec.channels, [&]<class V, int N>(int c) {
      affine_block<V, N, Terms>(spec, row, std::min(end, row + strip), c, sum, activated);
    });
}

using AffineRows = void (*)(const AffineSumSpec&, std::int64_t, std::int64_t, float*, float*);
constexpr AffineRows kAffineRows[AffineSumSpec::kMaxTerms + 1] = {
    affine_rows<0>, affine_rows<1>, affine_rows<2>, affine_rows<3>, affine_rows<4>,
    affine_rows<5>, affine_rows<6>, affine_rows<7>, affine_rows<8>};

// Image rows [begin, end) of a sum with averaged terms: the others first, then each average on top of them,
// then the activation, all while the rows are in cache.
void averaged_rows(const AffineSumSpec& spec, std::int64_t begin, std::int64_t end, float* sum,
                   float* activated) {
  AffineSumSpec rest = spec;
  rest.activation = Activation::none;
  rest.term_count = 0;
  for (int t = 0; t < spec.term_count; ++t)
    if (!spec.terms[std::size_t(t)].averaged)
      rest.terms[std::size_t(rest.term_count++)] = spec.terms[std::size_t(t)];
  float* const total = sum != nullptr ? sum : activated;
  if (rest.term_count > 0)
    kAffineRows[rest.term_count](rest, begin * spec.width, end * spec.width, total, nullptr);
  Store store_mode = rest.term_count > 0 ? Store::accumulate : Store::overwrite;
  const PoolSpec pool{spec.rows / (spec.height * spec.width), spec.channels, spec.height, spec.width};
  for (int t = 0; t < spec.term_count; ++t) {
    if (!spec.terms[std::size_t(t)].averaged) continue;
    average_3x3_rows(pool, begin, end, spec.terms[std::size_t(t)].x, total, store_mode, Direction::forward);
    store_mode = Store::accumulate;
  }
  if (activated == nullptr) return;
  const Bounds bounds(spec.activation);
  const std::int64_t row_size = std::int64_t(spec.width) * spec.channels;
  for (std::int64_t i = begin * row_size; i < end * row_size; ++i)
    activated[i] = clamp(total[i], bounds.low, bounds.high);
}

// dx (+)= dy where low < activated < high.
template <Store kStore>
void mask_range(const Bounds& bounds, std::int64_t count, const float* activated, const float* dy,
                float* dx) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float passed = activated[i] > bounds.low && activated[i] < bounds.high ? dy[i] : 0.0f;
    dx[i] = kStore == Store::accumulate ? dx[i] + passed : passed;
  }
}

}  // namespace

void apply_norm(Activation activation, std::int64_t rows, int channels, const float* x,
                ConstBatchNormSaved norm, float* to) {
  AffineSumSpec spec{.rows = int(rows), .channels = channels, .term_count = 1, .activation = activation};
  spec.terms[0] = {x, norm.scale, norm.shift};
  affine_rows<1>(spec, 0, rows, nullptr, to);
}

void pass_back(Activation activation, std::size_t count, const float* activated, const float* dy, float* dx,
               Store store) {
  const Bounds bounds(activation);
  if (store == Store::accumulate)
    mask_range<Store::accumulate>(bounds, std::int64_t(count), activated, dy, dx);
  else
    mask_range<Store::overwrite>(bounds, std::int64_t(count), activated, dy, dx);
}

void pass_back_norm(Activation activation, std::int64_t rows, int channels, const float* x,
                    ConstBatchNormSaved norm, const float* dy, float* dx) {
  const Bounds bounds(activation);
  for (std::int64_t row = 0; row < rows; ++row)
    for (int c = 0; c < channels; ++c) {
      const std::int64_t at = row * channels + c;
      const float made = std::fma(norm.scale[c], x[at], norm.shift[c]);
      dx[at] = made > bounds.low && made < bounds.high ? dy[at] : 0.0f;
    }
}

void CpuBackend::run(const AffineSum& call, Workspace) {
  const AffineSumSpec& spec = call.spec;
  float *const sum = call.sum, *const activated = call.activated;
  check_spec(spec);
  for (int t = 0; t < spec.term_count; ++t) spec.terms[std::size_t(t)].x.as<float>();  // or it throws, here
  if (std::any_of(spec.terms.begin(), spec.terms.begin() + spec.term_count,
                  [](const AffineTerm& term) { return term.averaged; })) {
    const std::int64_t row_size = std::int64_t(spec.width) * spec.channels;
    parallel_ranges(
        threads_, spec.rows / spec.width, std::max<std::int64_t>(1, kElements / row_size),
        [&](std::int64_t begin, std::int64_t end) { averaged_rows(spec, begin, end, sum, activated); });
    return;
  }
  const AffineRows rows = kAffineRows[spec.term_count];
  parallel_ranges(threads_, spec.rows, std::max<std::int64_t>(1, kElements / spec.channels),
                  [&](std::int64_t begin, std::int64_t end) { rows(spec, begin, end, sum, activated); });
}

void CpuBackend::run(const ActivationBackward& call, Workspace) {
  const auto& [activation, count, activated, dy, dx, store] = call;
  if (activation == Activation::none) return run(Add{.count = count, .x = dy, .y = dx, .store = store});
  parallel_ranges(threads_, std::int64_t(count), kElements, [&](std::int64_t begin, std::int64_t end) {
    pass_back(activation, std::size_t(end - begin), activated + begin, dy + begin, dx + begin, store);
  });
}

void CpuBackend::run(const Add& call, Workspace) {
  const std::size_t count = call.count;
  const float* const x = call.x;
  float* const y = call.y;
  const Store store = call.store;
  parallel_ranges(threads_, std::int64_t(count), kElements, [&](std::int64_t begin, std::int64_t end) {
    if (store == Store::overwrite)
      std::memcpy(y + begin, x + begin, std::size_t(end - begin) * sizeof(float));
    else
      for (std::int64_t i = begin; i < end; ++i) y[i] += x[i];
  });
}

void CpuBackend::run(const Fill& call, Workspace) {
  const std::size_t count = call.count;
  const float value = call.value;
  float* const y = call.y;
  parallel_ranges(threads_, std::int64_t(count), kElements,
                  [&](std::int64_t begin, std::int64_t end) { std::fill(y + begin, y + end, value); });
}

void CpuBackend::run(const ScaleRows& call, Workspace) {
  const RowScaleSpec& spec = call.spec;
  const float *const scale = call.scale, *const x = call.x;
  float* const y = call.y;
  const Store store = call.store;
  check_spec(spec);
  parallel_ranges(threads_, std::int64_t(spec.count()), kElements, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end;) {
      const std::int64_t row = i / spec.columns, row_end = std::min(end, (row + 1) * spec.columns);
      const float factor = scale[row];
      if (store == Store::accumulate)
        for (; i < row_end; ++i) y[i] += factor * x[i];
      else
        for (; i < row_end; ++i) y[i] = factor * x[i];
    }
  });
}

}  // namespace rlnas
