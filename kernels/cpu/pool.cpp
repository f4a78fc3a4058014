// Pooling over NHWC images, vectorised over channels. The 3x3 stride-1 average has a file of its own.
#include <limits>
#include <vector>

#include "kernels/cpu/average_3x3.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vec.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

struct Span {
  int begin, end;
  int size() const { return end - begin; }
};

// Input positions inside the image that the window at output position p covers.
Span window(const PoolSpec& spec, int p, int in_size) {
  const int start = p * spec.stride - spec.padding;
  return {std::max(0, start), std::min(in_size, start + spec.kernel)};
}

// Output positions whose window covers input position h.
Span covering(const PoolSpec& spec, int h, int out_size) {
  const int reach = h + spec.padding - spec.kernel + 1;  // the first p*stride that still covers h
  return {reach <= 0 ? 0 : (reach + spec.stride - 1) / spec.stride,
          std::min(out_size, (h + spec.padding) / spec.stride + 1)};
}

// What a backward pass needs to know along one axis.
struct Axis {
  Axis(const PoolSpec& spec, int in_size) {
    const int out_size = spec.out_size(in_size);
    for (int h = 0; h < in_size; ++h) covering.push_back(rlnas::covering(spec, h, out_size));
    for (int p = 0; p < out_size; ++p) inverse_count.push_back(1.0f / float(window(spec, p, in_size).size()));
  }
  std::vector<Span> covering;        // of every input position
  std::vector<float> inverse_count;  // of every output position: 1/pixels in its window
};

bool is_3x3(const PoolSpec& spec) {
  return spec.kernel == 3 && spec.stride == 1 && spec.padding == 1;
}

// The 3x3 stride-1 average of all images, or its gradient.
void pool_3x3(int threads, const PoolSpec& spec, const float* from, float* to, Store store_mode,
              Direction direction) {
  const std::int64_t row_bytes = std::int64_t(spec.in_width) * spec.channels * std::int64_t(sizeof(float));
  parallel_ranges(threads, std::int64_t(spec.batch) * spec.in_height, items_per_block(row_bytes),
                  [&](std::int64_t begin, std::int64_t end) {
                    average_3x3_rows(spec, begin, end, from, to, store_mode, direction);
                  });
}

// Calls body(n, p, q) for every pixel of an image of height x width, a row at a time.
template <class Body>
void for_each_pixel(int threads, int batch, int height, int width, int channels, const Body& body) {
  const std::int64_t row_bytes = std::int64_t(width) * channels * std::int64_t(sizeof(float));
  parallel_ranges(threads, std::int64_t(batch) * height, items_per_block(row_bytes),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t row = begin; row < end; ++row)
                      for (int q = 0; q < width; ++q) body(row / height, int(row % height), q);
                  });
}

std::int64_t pixel(std::int64_t n, int height, int width, int channels, int row, int column) {
  return ((n * height + row) * width + column) * channels;
}

// Calls body(n, p) for every row of the images.
template <class Body>
void for_each_row(int threads, int batch, int height, int width, int channels, const Body& body) {
  const std::int64_t row_bytes = std::int64_t(width) * channels * std::int64_t(sizeof(float));
  parallel_ranges(threads, std::int64_t(batch) * height, items_per_block(row_bytes),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t row = begin; row < end; ++row) body(row / height, int(row % height));
                  });
}

// Adds up, for every input pixel (h, w), what each output pixel (p, q) whose window covers it sends back, in
// scan order: term<V>(place in dy, h, w, p, q). Along a row the blocks of channels come first, so that a
// pixel's loop is little more than its windows.
template <class Term>
void gather_windows(int threads, const PoolSpec& spec, const Axis& vertical, const Axis& horizontal,
                    float* dx, Store store_mode, const Term& term) {
  const int channels = spec.channels, height = spec.out_height(), width = spec.out_width();
  for_each_row(threads, spec.batch, spec.in_height, spec.in_width, channels, [&](std::int64_t n, int h) {
    const Span rows = vertical.covering[std::size_t(h)];
    const std::int64_t row_step = std::int64_t(width) * channels;
    for_channel_blocks(channels, [&]<class V, int N>(int c) {
      const std::int64_t first = pixel(n, height, width, channels, rows.begin, 0) + c;
      float* out = dx + pixel(n, spec.in_height, spec.in_width, channels, h, 0) + c;
      for (int w = 0; w < spec.in_width; ++w, out += channels) {
        const Span columns = horizontal.covering[std::size_t(w)];
        V sum[N];
        for (int i = 0; i < N; ++i)
          sum[i] = store_mode == Store::accumulate ? load<V>(out + i * kWidth<V>) : V{};
        std::int64_t row_at = first + std::int64_t(columns.begin) * channels;
        for (int p = rows.begin; p < rows.end; ++p, row_at += row_step) {
          std::int64_t at = row_at;
          for (int q = columns.begin; q < columns.end; ++q, at += channels)
            for (int i = 0; i < N; ++i) sum[i] += term.template operator()<V>(at + i * kWidth<V>, h, w, p, q);
        }
        for (int i = 0; i < N; ++i) store<V>(out + i * kWidth<V>, sum[i]);
      }
    });
  });
}

}  // namespace

void CpuBackend::run(const AvgPoolForward& call, Workspace) {
  const PoolSpec& spec = call.spec;
  const float* const x = call.x;
  float* const y = call.y;
  check_spec(spec);
  if (is_3x3(spec)) return pool_3x3(threads_, spec, x, y, Store::overwrite, Direction::forward);
  const int channels = spec.channels, height = spec.out_height(), width = spec.out_width();
  for_each_pixel(threads_, spec.batch, height, width, channels, [&](std::int64_t n, int p, int q) {
    const Span rows = window(spec, p, spec.in_height), columns = window(spec, q, spec.in_width);
    const float scale = 1.0f / float(rows.size() * columns.size());
    float* const out = y + pixel(n, height, width, channels, p, q);
    for_channel_blocks(channels, [&]<class V, int N>(int c) {
      V sum[N] = {};
      for (int h = rows.begin; h < rows.end; ++h)
        for (int w = columns.begin; w < columns.end; ++w) {
          const float* const from = x + pixel(n, spec.in_height, spec.in_width, channels, h, w) + c;
          for (int i = 0; i < N; ++i) sum[i] += load<V>(from + i * kWidth<V>);
        }
      for (int i = 0; i < N; ++i) store<V>(out + c + i * kWidth<V>, sum[i] * scale);
    });
  });
}

void CpuBackend::run(const AvgPoolBackward& call, Workspace) {
  const PoolSpec& spec = call.spec;
  const float* const dy = call.dy;
  float* const dx = call.dx;
  const Store store_mode = call.store;
  check_spec(spec);
  if (is_3x3(spec)) return pool_3x3(threads_, spec, dy, dx, store_mode, Direction::backward);
  const Axis vertical(spec, spec.in_height), horizontal(spec, spec.in_width);
  gather_windows(threads_, spec, vertical, horizontal, dx, store_mode,
                 [&]<class V>(std::int64_t at, int, int, int p, int q) {
                   return load<V>(dy + at) *
                          (vertical.inverse_count[std::size_t(p)] * horizontal.inverse_count[std::size_t(q)]);
                 });
}

void CpuBackend::run(const MaxPoolForward& call, Workspace) {
  const PoolSpec& spec = call.spec;
  const float* const x = call.x;
  float* const y = call.y;
  std::uint8_t* const index = call.index;
  check_spec(spec);
  const int channels = spec.channels, height = spec.out_height(), width = spec.out_width();
  const std::int64_t row_step = std::int64_t(spec.in_width) * channels;
  for_each_row(threads_, spec.batch, height, width, channels, [&](std::int64_t n, int p) {
    const Span rows = window(spec, p, spec.in_height);
    const int top = p * spec.stride - spec.padding;
    for_channel_blocks(channels, [&]<class V, int N>(int c) {
      using Ints = typename Whole<V>::Ints;
      const float* const first = x + pixel(n, spec.in_height, spec.in_width, channels, rows.begin, 0) + c;
      std::int64_t at = pixel(n, height, width, channels, p, 0) + c;
      for (int q = 0; q < width; ++q, at += channels) {
        const Span columns = window(spec, q, spec.in_width);
        int row_position = (rows.begin - top) * spec.kernel + columns.begin - q * spec.stride + spec.padding;
        V best[N];
        Ints winner[N];
        for (int i = 0; i < N; ++i) {
          best[i] = splat<V>(-std::numeric_limits<float>::infinity());
          winner[i] = Ints{} + row_position;
        }
        const float* row = first + std::int64_t(columns.begin) * channels;
        for (int h = rows.begin; h < rows.end; ++h, row += row_step, row_position += spec.kernel) {
          const float* from = row;
          for (int k = 0; k < columns.size(); ++k, from += channels) {
            const Ints position = Ints{} + (row_position + k);
            for (int i = 0; i < N; ++i) {
              const V value = load<V>(from + i * kWidth<V>);
              const auto wins = (value > best[i]) | (value != value);  // NaN wins, so that it is seen
              best[i] = wins ? value : best[i];
              winner[i] = wins ? position : winner[i];
            }
          }
        }
        for (int i = 0; i < N; ++i) {
          store<V>(y + at + i * kWidth<V>, best[i]);
          store_bytes<V>(index + at + i * kWidth<V>, winner[i]);
        }
      }
    });
  });
}

void CpuBackend::run(const MaxPoolBackward& call, Workspace) {
  const PoolSpec& spec = call.spec;
  const std::uint8_t* const index = call.index;
  const float* const dy = call.dy;
  float* const dx = call.dx;
  const Store store_mode = call.store;
  check_spec(spec);
  const Axis vertical(spec, spec.in_height), horizontal(spec, spec.in_width);
  gather_windows(threads_, spec, vertical, horizontal, dx, store_mode,
                 [&]<class V>(std::int64_t at, int h, int w, int p, int q) {
                   const int position = (h + spec.padding - p * spec.stride) * spec.kernel + w +
                                        spec.padding - q * spec.stride;
                   const auto won = load_bytes<V>(index + at) == typename Whole<V>::Ints{} + position;
                   return won ? load<V>(dy + at) : V{};
                 });
}

void CpuBackend::run(const GlobalAvgPoolForward& call, Workspace) {
  const int batch = call.batch, pixels = call.pixels, channels = call.channels;
  const float* const x = call.x;
  float* const y = call.y;
  RLNAS_CHECK(batch > 0 && pixels > 0 && channels > 0, run_failed, "global pooling: a size is not positive");
  const std::int64_t image = std::int64_t(pixels) * channels;
  parallel_ranges(threads_, batch, items_per_block(image * std::int64_t(sizeof(float))),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t n = begin; n < end; ++n)
                      for_channel_blocks(channels, [&]<class V, int N>(int c) {
                        V sum[N] = {};
                        const float* from = x + n * image + c;
                        for (int m = 0; m < pixels; ++m, from += channels)
                          for (int i = 0; i < N; ++i) sum[i] += load<V>(from + i * kWidth<V>);
                        for (int i = 0; i < N; ++i)
                          store<V>(y + n * channels + c + i * kWidth<V>, sum[i] / splat<V>(float(pixels)));
                      });
                  });
}

void CpuBackend::run(const GlobalAvgPoolBackward& call, Workspace) {
  const int batch = call.batch, pixels = call.pixels, channels = call.channels;
  const float* const dy = call.dy;
  float* const dx = call.dx;
  RLNAS_CHECK(batch > 0 && pixels > 0 && channels > 0, run_failed, "global pooling: a size is not positive");
  const std::int64_t image = std::int64_t(pixels) * channels;
  parallel_ranges(threads_, batch, items_per_block(image * std::int64_t(sizeof(float))),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t n = begin; n < end; ++n)
                      for (int m = 0; m < pixels; ++m)
                        for (int c = 0; c < channels; ++c)
                          dx[n * image + std::int64_t(m) * channels + c] =
                              dy[n * channels + c] / float(pixels);
                  });
}

}  // namespace rlnas
