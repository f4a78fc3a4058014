// Copies of channel ranges and of every n-th pixel, at memory bandwidth: no arithmetic but the sum of an
// accumulating store.
#include <algorithm>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vec.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

// y (+)= x for `rows` rows of a channel range.
void copy_rows(int channels, std::int64_t rows, const float* x, std::int64_t x_stride, float* y,
               std::int64_t y_stride, Store store_mode) {
  for_channel_blocks(channels, [&]<class V, int N>(int c) {
    const float* from = x + c;
    float* to = y + c;
    for (std::int64_t m = 0; m < rows; ++m, from += x_stride, to += y_stride)
      for (int i = 0; i < N; ++i) {
        const int lane = i * kWidth<V>;
        const V value = load<V>(from + lane);
        store<V>(to + lane, store_mode == Store::accumulate ? load<V>(to + lane) + value : value);
      }
  });
}

// Calls body(row of the picked image, its first pixel in x) for every row that is picked.
template <class Body>
void for_each_picked_row(int threads, const SubsampleSpec& spec, const Body& body) {
  const int height = spec.out_height();
  const std::int64_t row_bytes = std::int64_t(spec.in_width) * spec.channels * std::int64_t(sizeof(float));
  parallel_ranges(threads, std::int64_t(spec.batch) * height, items_per_block(row_bytes),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t row = begin; row < end; ++row) {
                      const std::int64_t n = row / height, p = row % height;
                      const std::int64_t in_row = n * spec.in_height + spec.offset + p * spec.stride;
                      body(row, (in_row * spec.in_width + spec.offset) * spec.channels);
                    }
                  });
}

}  // namespace

void CpuBackend::run(const CopyChannels& call, Workspace) {
  const ChannelCopySpec& spec = call.spec;
  const float* const x = call.x;
  float* const y = call.y;
  const Store store = call.store;
  check_spec(spec);
  const std::int64_t row_bytes = spec.channels * std::int64_t(sizeof(float));
  parallel_ranges(threads_, spec.rows, items_per_block(row_bytes), [&](std::int64_t begin, std::int64_t end) {
    copy_rows(spec.channels, end - begin, x + begin * spec.from_stride, spec.from_stride,
              y + begin * spec.to_stride, spec.to_stride, store);
  });
}

void CpuBackend::run(const ShuffleChannels& call, Workspace) {
  const ChannelShuffleSpec& spec = call.spec;
  const float* const x = call.x;
  float* const y = call.y;
  const Store store = call.store;
  check_spec(spec);
  const int groups = spec.groups, per_group = spec.channels / groups;
  parallel_ranges(threads_, spec.rows, items_per_block(spec.channels * std::int64_t(sizeof(float))),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t m = begin; m < end; ++m) {
                      const float* const from = x + m * spec.channels;
                      float* const to = y + m * spec.channels;
                      for (int g = 0; g < groups; ++g)
                        for (int i = 0; i < per_group; ++i) {
                          const float value = from[g * per_group + i];
                          float& place = to[i * groups + g];
                          place = store == Store::accumulate ? place + value : value;
                        }
                    }
                  });
}

void CpuBackend::run(const SubsampleForward& call, Workspace) {
  const SubsampleSpec& spec = call.spec;
  const float* const x = call.x;
  float* const y = call.y;
  check_spec(spec);
  const std::int64_t out_row = std::int64_t(spec.out_width()) * spec.channels;
  for_each_picked_row(threads_, spec, [&](std::int64_t row, std::int64_t first) {
    copy_rows(spec.channels, spec.out_width(), x + first, std::int64_t(spec.stride) * spec.channels,
              y + row * out_row, spec.channels, Store::overwrite);
  });
}

void CpuBackend::run(const SubsampleBackward& call, Workspace) {
  const SubsampleSpec& spec = call.spec;
  const float* const dy = call.dy;
  float* const dx = call.dx;
  const Store store = call.store;
  check_spec(spec);
  if (store == Store::overwrite) run(Fill{.count = spec.in_count(), .y = dx});
  const std::int64_t out_row = std::int64_t(spec.out_width()) * spec.channels;
  for_each_picked_row(threads_, spec, [&](std::int64_t row, std::int64_t first) {
    copy_rows(spec.channels, spec.out_width(), dy + row * out_row, spec.channels, dx + first,
              std::int64_t(spec.stride) * spec.channels, store);
  });
}

}  // namespace rlnas
