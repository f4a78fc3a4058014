#include "kernels/cpu/winograd.h"

#include <algorithm>

#include "kernels/cpu/winograd_gemm.h"
#include "kernels/cpu/winograd_strip.h"

namespace rlnas {

using namespace winograd;

namespace {

constexpr std::size_t kLine = 64;

std::size_t lines(std::size_t floats) {
  return (floats * sizeof(float) + kLine - 1) / kLine * kLine;
}

// Scratch memory of a pass: points of both sides, and the columns of to_points.
struct Scratch {
  Scratch(const Strips& strips, const ConvSpec& spec, ConvPass pass)
      : in_channels(pass == ConvPass::backward_data ? spec.out_channels : spec.in_channels),
        out_channels(pass == ConvPass::backward_data ? spec.in_channels : spec.out_channels),
        in_bytes(lines(strips.matrices_floats(in_channels))),
        out_bytes(lines(strips.matrices_floats(out_channels))),
        columns_bytes(lines(strips.columns_floats(in_channels))) {}

  std::size_t bytes() const { return in_bytes + out_bytes + columns_bytes; }
  float* in_points(void* scratch) const { return static_cast<float*>(scratch); }
  float* out_points(void* scratch) const {
    return reinterpret_cast<float*>(static_cast<char*>(scratch) + in_bytes);
  }
  float* columns(void* scratch) const {
    return reinterpret_cast<float*>(static_cast<char*>(scratch) + in_bytes + out_bytes);
  }

  int in_channels, out_channels;
  std::size_t in_bytes, out_bytes, columns_bytes;
};

}  // namespace

bool winograd_supports(const ConvSpec& spec) {
  return spec.kernel == kTaps && spec.stride == 1 && spec.padding == 1 && spec.dilation == 1 &&
         spec.groups == 1 && spec.in_channels % kWinogradChannels == 0 &&
         spec.out_channels % kWinogradChannels == 0;
}

std::size_t winograd_scratch_bytes(const ConvSpec& spec, ConvPass pass, int images) {
  return Scratch(Strips(spec, images), spec, pass).bytes();
}

void winograd_run(const ConvSpec& spec, ConvPass pass, int images, const float* in, const float* transformed,
                  float* out, void* scratch) {
  const Strips strips(spec, images);
  const Scratch memory(strips, spec, pass);
  const std::size_t matrix = std::size_t(spec.in_channels) * std::size_t(spec.out_channels);
  const std::size_t in_stride = strips.matrix_stride(memory.in_channels);
  const std::size_t out_stride = strips.matrix_stride(memory.out_channels);
  float* const in_points = memory.in_points(scratch);
  float* const out_points = memory.out_points(scratch);
  for (int first = 0; first < strips.rows(); first += strips.rows_per_strip) {
    const int count = std::min(strips.rows_per_strip, strips.rows() - first);
    to_points(strips, first, count, memory.in_channels, in, memory.columns(scratch), in_points);
    for (int position = 0; position < kPositions; ++position)
      multiply(count * strips.tiles_across, memory.in_channels, memory.out_channels,
               in_points + std::size_t(position) * in_stride, transformed + std::size_t(position) * matrix,
               out_points + std::size_t(position) * out_stride);
    from_points(strips, first, count, memory.out_channels, out_points, out);
  }
}

void winograd_accumulate(const ConvSpec& spec, int images, const float* x, const float* dy, float* sums,
                         void* scratch) {
  const Strips strips(spec, images);
  const Scratch memory(strips, spec, ConvPass::backward_weights);
  const int in = spec.in_channels, out = spec.out_channels;
  const std::size_t matrix = std::size_t(in) * std::size_t(out);
  float* const x_points = memory.in_points(scratch);
  float* const dy_points = memory.out_points(scratch);
  for (int first = 0; first < strips.rows(); first += strips.rows_per_strip) {
    const int count = std::min(strips.rows_per_strip, strips.rows() - first);
    to_points(strips, first, count, in, x, memory.columns(scratch), x_points);
    gradient_to_points(strips, first, count, out, dy, dy_points);
    for (int position = 0; position < kPositions; ++position)
      multiply_transposed(count * strips.tiles_across, in, out,
                          x_points + std::size_t(position) * strips.matrix_stride(in),
                          dy_points + std::size_t(position) * strips.matrix_stride(out),
                          sums + std::size_t(position) * matrix);
  }
}

}  // namespace rlnas
