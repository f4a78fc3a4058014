// The classifier: three small matrix products. Every sum runs in one fixed order.
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vec.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

// Rows of a result that make one block, when each costs in*out multiplications.
std::int64_t rows_per_block(std::int64_t macs_per_row) {
  constexpr std::int64_t kMacs = 64 * 1024;
  return std::max<std::int64_t>(1, kMacs / macs_per_row);
}

float dot(const float* a, const float* b, int count) {
  Float8 sum0{}, sum1{};
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    sum0 += load<Float8>(a + i) * load<Float8>(b + i);
    sum1 += load<Float8>(a + i + 8) * load<Float8>(b + i + 8);
  }
  for (; i + 8 <= count; i += 8) sum0 += load<Float8>(a + i) * load<Float8>(b + i);
  float sum = lane_sum(sum0 + sum1);
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// out[j] = sum over i of a[i*a_step] * rows[i*row_step + j], j in 0..count-1.
void weighted_rows(int terms, const float* a, std::int64_t a_step, const float* rows, std::int64_t row_step,
                   int count, float* out) {
  for_channel_blocks(count, [&]<class V, int N>(int c) {
    V sum[N] = {};
    for (int i = 0; i < terms; ++i) {
      const float factor = a[i * a_step];
      for (int j = 0; j < N; ++j) sum[j] += load<V>(rows + i * row_step + c + j * kWidth<V>) * factor;
    }
    for (int j = 0; j < N; ++j) store<V>(out + c + j * kWidth<V>, sum[j]);
  });
}

}  // namespace

void CpuBackend::run(const LinearForward& call, Workspace) {
  const auto& [spec, x, w, bias, y] = call;
  check_spec(spec);
  const std::int64_t in = spec.in_features, out = spec.out_features;
  parallel_ranges(threads_, spec.batch, rows_per_block(in * out), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n)
      for (std::int64_t o = 0; o < out; ++o)
        y[n * out + o] = dot(x + n * in, w + o * in, spec.in_features) + (bias != nullptr ? bias[o] : 0.0f);
  });
}

void CpuBackend::run(const LinearBackwardData& call, Workspace) {
  const auto& [spec, dy, w, dx] = call;
  check_spec(spec);
  const std::int64_t in = spec.in_features, out = spec.out_features;
  parallel_ranges(threads_, spec.batch, rows_per_block(in * out), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n)
      weighted_rows(spec.out_features, dy + n * out, 1, w, in, spec.in_features, dx + n * in);
  });
}

void CpuBackend::run(const LinearBackwardWeights& call, Workspace) {
  const auto& [spec, x, dy, dw, dbias] = call;
  check_spec(spec);
  const std::int64_t in = spec.in_features, out = spec.out_features;
  parallel_ranges(threads_, out, rows_per_block(in * spec.batch), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o) {
      weighted_rows(spec.batch, dy + o, out, x, in, spec.in_features, dw + o * in);
      if (dbias == nullptr) continue;
      double sum = 0.0;
      for (int n = 0; n < spec.batch; ++n) sum += double(dy[n * out + o]);
      dbias[o] = float(sum);
    }
  });
}

}  // namespace rlnas
