// rlnas.h: operands of a primitive that is timed, and its spec, from the shape that a caller names.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "engine/angle_tables.h"
#include "kernels/check.h"
#include "rlnas/kernels.hpp"
#include "rlnas/rlnas.h"
#include "search/api/device_state.h"

namespace rlnas::c {

// Where the operands of a call live.
class Bench {
 public:
  explicit Bench(const kernels::Device& device) : device_(device) {}

  // Values that no multiplication makes subnormal or infinite.
  float* floats(std::size_t count) {
    std::vector<float> values(count);
    std::uint32_t state = std::uint32_t(buffers_.size()) + 1;
    for (float& value : values) {
      state = state * 1664525u + 1013904223u;
      value = float(std::int32_t(state >> 8) - (1 << 23)) / float(1 << 23);
    }
    return array(values);
  }
  float* floats(int count) { return floats(std::size_t(count)); }
  template <class T>
  T* array(const std::vector<T>& values) {
    T* const made = room<T>(values.size());
    buffers_.back().upload(values.data(), values.size() * sizeof(T));
    return made;
  }
  template <class T>
  T* room(std::size_t count) {
    buffers_.emplace_back(device_, count * sizeof(T));
    return buffers_.back().template as<T>();
  }
  BatchNormSaved saved(int channels) { return BatchNormSaved::at(floats(4 * channels), channels); }
  const AngleTables& angles(const SegmentTable& segments) {
    return angles_.emplace_back(device_.state().backend(), segments);
  }
  kernels::Device& device() { return device_; }

 private:
  kernels::Device device_;
  std::deque<kernels::Buffer> buffers_;
  std::deque<AngleTables> angles_;
};

// ---- shapes as specs; checked here since operands are made before a kernel sees the spec

inline std::size_t pixels_of(const rlnas_shape& s) {
  return std::size_t(s.height) * std::size_t(s.width);
}
inline std::size_t count_of(const rlnas_shape& s) {
  return std::size_t(s.batch) * pixels_of(s) * std::size_t(s.channels);
}

inline ConvSpec conv_of(const rlnas_shape& s) {
  RLNAS_CHECK(s.channels % s.groups == 0 && s.out_channels > 0 && s.out_channels % s.groups == 0, usage,
              s.channels, " -> ", s.out_channels, " channels in ", s.groups, " groups");
  RLNAS_CHECK(s.dilation * (s.kernel - 1) + 1 <= std::min(s.height, s.width) + 2 * s.padding, usage,
              "the filter does not fit");
  return {s.batch,  s.channels, s.height,  s.width,    s.out_channels,
          s.kernel, s.stride,   s.padding, s.dilation, s.groups};
}

inline ConvNormSpec conv_norm_of(const rlnas_shape& s) {
  return {.conv = conv_of(s)};
}

inline PoolSpec pool_of(const rlnas_shape& s) {
  RLNAS_CHECK(s.kernel <= std::min(s.height, s.width) + 2 * s.padding, usage, "the window does not fit");
  return {s.batch, s.channels, s.height, s.width, s.kernel, s.stride, s.padding};
}

inline BatchNormSpec norm_of(const rlnas_shape& s) {
  return {s.batch * s.height * s.width, s.channels};
}

inline LinearSpec linear_of(const rlnas_shape& s) {
  RLNAS_CHECK(s.out_channels > 0, usage, "a linear layer without out_channels");
  return {s.batch, s.channels * s.height * s.width, s.out_channels};
}

inline SubsampleSpec subsample_of(const rlnas_shape& s) {
  return {s.batch, s.channels, s.height, s.width, s.stride, 0};
}

// The flat weight buffer: `batch` tensors of [channels, height, width].
inline SegmentTable segments_of(const rlnas_shape& s) {
  SegmentTable table;
  for (int t = 0; t < s.batch; ++t) table.add("", {s.channels, s.height, s.width});
  return table;
}

struct WeightBuffer {
  WeightBuffer(Bench& b, const rlnas_shape& s) : segments(segments_of(s)) {
    const std::vector<SegmentBlock> cut = segments.blocks();
    block_count = int(cut.size());
    blocks = b.array(cut);
    states = b.array(std::vector<SegmentState>(std::size_t(segments.size()), SegmentState::sampled));
  }
  float* floats(Bench& b) const { return b.floats(std::size_t(segments.buffer_count())); }

  SegmentTable segments;
  const SegmentBlock* blocks;
  int block_count;
  const SegmentState* states;
};

}  // namespace rlnas::c
