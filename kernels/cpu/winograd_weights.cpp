// Filters to points, and their gradients back.
#include <array>

#include "kernels/cpu/winograd.h"
#include "kernels/cpu/winograd_gemm.h"

namespace rlnas {

using namespace winograd;

namespace {

constexpr int kFilter = kTaps * kTaps;

using Filter = std::array<Vec, kFilter>;  // one lane a channel

Filter gather(const float* from, std::size_t lane_step) {
  Filter filter{};
  for (int tap = 0; tap < kFilter; ++tap)
    for (int lane = 0; lane < kLanes; ++lane)
      filter[std::size_t(tap)][lane] = from[std::size_t(lane) * lane_step + std::size_t(tap)];
  return filter;
}

void filter_to_points(const Filter& filter, std::size_t matrix, float* to) {
  Vec columns[kTaps][kPoints];
  for (std::size_t s = 0; s < kTaps; ++s) {
    const Vec taps[kTaps] = {filter[s], filter[kTaps + s], filter[2 * kTaps + s]};
    filter_transform(taps, columns[s]);
  }
  for (int i = 0; i < kPoints; ++i) {
    const Vec taps[kTaps] = {columns[0][i], columns[1][i], columns[2][i]};
    Vec points[kPoints];
    filter_transform(taps, points);
    for (int j = 0; j < kPoints; ++j, to += matrix) store<Vec>(to, points[j]);
  }
}

Filter filter_from_points(std::size_t matrix, const float* from) {
  Vec rows[kPoints][kTaps];
  for (int i = 0; i < kPoints; ++i) {
    Vec points[kPoints];
    for (int j = 0; j < kPoints; ++j, from += matrix) points[j] = load<Vec>(from);
    filter_gradient_transform(points, rows[i]);
  }
  Filter filter{};
  for (std::size_t s = 0; s < kTaps; ++s) {
    Vec points[kPoints], taps[kTaps];
    for (int i = 0; i < kPoints; ++i) points[i] = rows[i][s];
    filter_gradient_transform(points, taps);
    for (std::size_t r = 0; r < kTaps; ++r) filter[r * kTaps + s] = taps[r];
  }
  return filter;
}

}  // namespace

std::size_t winograd_weight_bytes(const ConvSpec& spec) {
  return std::size_t(kPositions) * std::size_t(spec.in_channels) * std::size_t(spec.out_channels) *
         sizeof(float);
}

int winograd_weight_parts(const ConvSpec& spec, ConvPass pass) {
  return (pass == ConvPass::backward_data ? spec.in_channels : spec.out_channels) / kWinogradChannels;
}

void winograd_transform_weights(const ConvSpec& spec, ConvPass pass, int part, const float* w,
                                float* transformed) {
  const bool forward = pass == ConvPass::forward;
  const int in = forward ? spec.in_channels : spec.out_channels;
  const int out = forward ? spec.out_channels : spec.in_channels;
  // Steps in w [K,C,3,3] from one channel to the next.
  const std::size_t k_step = std::size_t(kFilter) * std::size_t(spec.in_channels), c_step = kFilter;
  const std::size_t in_step = forward ? c_step : k_step, out_step = forward ? k_step : c_step;
  const std::size_t block = std::size_t(channel_block(out)), matrix = std::size_t(in) * std::size_t(out);
  for (int lanes = 0; lanes < kWinogradChannels; lanes += kLanes) {
    const std::size_t o = std::size_t(part * kWinogradChannels + lanes);
    float* to = transformed + o / block * block * std::size_t(in) + o % block;
    for (int i = 0; i < in; ++i, to += block) {
      const Filter filter = gather(w + o * out_step + std::size_t(i) * in_step, out_step);
      // backward-data correlates with the filter after half a turn
      filter_to_points(forward ? filter
                               : Filter{filter[8], filter[7], filter[6], filter[5], filter[4], filter[3],
                                        filter[2], filter[1], filter[0]},
                       matrix, to);
    }
  }
}

void winograd_finish_weights(const ConvSpec& spec, int part, const float* sums, float* dw) {
  const std::size_t in = std::size_t(spec.in_channels), out = std::size_t(spec.out_channels);
  for (std::size_t c = 0; c < in; ++c)
    for (int lanes = 0; lanes < kWinogradChannels; lanes += kLanes) {
      const std::size_t k = std::size_t(part * kWinogradChannels + lanes);
      const Filter filter = filter_from_points(in * out, sums + c * out + k);
      for (std::size_t lane = 0; lane < std::size_t(kLanes); ++lane)
        for (std::size_t tap = 0; tap < kFilter; ++tap)
          dw[((k + lane) * in + c) * kFilter + tap] = filter[tap][lane];
    }
}

}  // namespace rlnas
