#include "kernels/cpu/average_3x3.h"

#include <algorithm>

#include "kernels/cpu/vec.h"

namespace rlnas {
namespace {

// 1/number of pixels that a window of three centred at `at` has inside 0..size-1.
float inverse_count(int at, int size) {
  return 1.0f / float(1 + (at > 0) + (at + 1 < size));
}

// One row of the 3x3 average or of its gradient. `from` is the image; Rows of its rows, from `first` on, take
// part, each times row_scale. column_scale(w, w') weighs column w' in the sum for column w.
template <class V, int N, int Rows, bool kBackward>
void roll_row(const PoolSpec& spec, const float* from, const float (&row_scale)[3], Store store_mode, int c,
              float* to) {
  const int width = spec.in_width;
  const std::int64_t channels = spec.channels, row_step = width * channels;
  const auto column_sum = [&](int w, V(&sum)[N]) {
    const float* const top = from + w * channels + c;
    const float scale = kBackward ? inverse_count(w, width) : 1.0f;
    for (int i = 0; i < N; ++i) {
      V total{};
      for (int r = 0; r < Rows; ++r) total += load<V>(top + r * row_step + i * kWidth<V>) * row_scale[r];
      sum[i] = kBackward ? total * scale : total;
    }
  };
  V left[N] = {}, middle[N], right[N];
  column_sum(0, middle);
  for (int w = 0; w < width; ++w) {
    if (w + 1 < width)
      column_sum(w + 1, right);
    else
      for (int i = 0; i < N; ++i) right[i] = V{};
    const float scale = kBackward ? 1.0f : inverse_count(w, width);
    float* const out = to + w * channels + c;
    for (int i = 0; i < N; ++i) {
      V value = ((left[i] + middle[i]) + right[i]) * scale;
      if (store_mode == Store::accumulate) value += load<V>(out + i * kWidth<V>);
      store<V>(out + i * kWidth<V>, value);
      left[i] = middle[i];
      middle[i] = right[i];
    }
  }
}

template <bool kBackward>
void average_rows(const PoolSpec& spec, std::int64_t begin, std::int64_t end, const float* from, float* to,
                  Store store_mode) {
  const int height = spec.in_height;
  const std::int64_t row_size = std::int64_t(spec.in_width) * spec.channels;
  for (std::int64_t row = begin; row < end; ++row) {
    const int h = int(row % height);
    const int first = std::max(0, h - 1), last = std::min(height, h + 2);
    float row_scale[3];
    for (int r = 0; r < 3; ++r) row_scale[r] = inverse_count(kBackward ? first + r : h, height);
    const float* const source = from + (row - h + first) * row_size;
    float* const out = to + row * row_size;
    for_channel_blocks(spec.channels, [&]<class V, int N>(int c) {
      constexpr int kN = N > 2 ? 2 : N;  // three rolling sums of four vectors would not fit the registers
      for (int part = 0; part < N; part += kN) {
        const int at = c + part * kWidth<V>;
        if (last - first == 3)
          roll_row<V, kN, 3, kBackward>(spec, source, row_scale, store_mode, at, out);
        else if (last - first == 2)
          roll_row<V, kN, 2, kBackward>(spec, source, row_scale, store_mode, at, out);
        else
          roll_row<V, kN, 1, kBackward>(spec, source, row_scale, store_mode, at, out);
      }
    });
  }
}

}  // namespace

void average_3x3_rows(const PoolSpec& spec, std::int64_t begin, std::int64_t end, const float* from,
                      float* to, Store store_mode, Direction direction) {
  if (direction == Direction::forward)
    average_rows<false>(spec, begin, end, from, to, store_mode);
  else
    average_rows<true>(spec, begin, end, from, to, store_mode);
}

}  // namespace rlnas
