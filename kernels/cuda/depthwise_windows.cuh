// What the passes of a depthwise convolution share: what they read, how the windows of a strip lie in it, and
// how strips are cut into blocks. The passes are in depthwise.cuh and depthwise_weights.cuh.
#pragma once

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/depthwise.h"
#include "kernels/cuda/strips.cuh"
#include "kernels/spec_checks.h"

namespace rlnas {

inline constexpr int kDepthwiseBlocks = 2;  // of a multiprocessor, at least: 128 registers a thread

// What a pass reads: a tensor [N,h,w,C], or an activation of its norm, whose scale is not null then.
template <class E>
struct DepthwiseSource {
  const E* from = nullptr;
  const float *scale = nullptr, *shift = nullptr;
  ActivationBounds bounds = {};
};

// Where tap `tap` of a pixel's row reads: a row of x for an output row, or of dy for an input row; -1 where
// it reads nothing. `start` is row*stride - padding forwards and row + padding backwards.
template <ConvPass kPass>
__device__ __forceinline__ int tap_source(const ConvSpec& spec, int start, int tap, int size) {
  if constexpr (kPass == ConvPass::forward) {
    const int at = start + tap * spec.dilation;
    return at >= 0 && at < size ? at : -1;
  } else {
    const int at = start - tap * spec.dilation;  // times the stride, which is 1 or 2
    if (at < 0 || (at & (spec.stride - 1)) != 0) return -1;
    return at >> (spec.stride - 1) < size ? at >> (spec.stride - 1) : -1;
  }
}

// How the windows of a strip lie: window j of kTaps pixels begins kApart * j pixels behind the first.
template <ConvPass kPass, int kKernel, bool kStrided>
struct StripWindows {
  static constexpr int kApart = kPass == ConvPass::forward && kStrided ? 2 : 1;
  static constexpr int kTaps = kPass != ConvPass::forward && kStrided ? (kKernel + 1) / 2 : kKernel;
  static constexpr int kReach = (kStrip - 1) * kApart + kTaps;

  int first;  // column of the first pixel that is read
  int even;   // backwards of kStrided: 1 where the odd taps are those that meet
  bool empty;

  __device__ __forceinline__ StripWindows(const ConvSpec& spec, int column) : even(0), empty(false) {
    if constexpr (kPass == ConvPass::forward) {
      first = column * spec.stride - spec.padding;
    } else if constexpr (kStrided) {
      even = (column + spec.padding) & 1;
      first = ((column + spec.padding - even * spec.dilation) >> 1) - spec.dilation * (kTaps - 1);
    } else {
      const int at = column + spec.padding;
      empty = (at & (spec.stride - 1)) != 0;
      first = (at >> (spec.stride - 1)) - (spec.dilation >> (spec.stride - 1)) * (kKernel - 1);
    }
  }
  // The filter's tap of pixel `i` of a window; not below kKernel: none.
  __device__ __forceinline__ int tap(int i) const {
    if constexpr (kPass == ConvPass::forward) return i;
    if constexpr (kStrided) return even + 2 * (kTaps - 1 - i);
    return kKernel - 1 - i;
  }
};

// ---- on the host ----
// How many strips a block takes, so that there are at most `most` blocks in a column of the grid.
struct StripChunks {
  static constexpr int kMostSums = 512;     // of channels' sums: what the last block adds up
  static constexpr int kMostWeights = 256;  // of weights' gradients
  static constexpr int kAny = 1 << 30;
  static constexpr int kStripsPerThread = 4;
  int strips_per_block, blocks;

  StripChunks(const Strips& strips, const MatrixTiling& tiling, int most = kAny) {
    const int per_thread = ceil_div(ceil_div(strips.count, tiling.rows), most);
    strips_per_block = tiling.rows * std::max(per_thread, kStripsPerThread);
    blocks = ceil_div(strips.count, strips_per_block);
  }
};

// Calls body(constant kernel size, constant whether strips are strided). Errors: run_failed when the spec is
// none of ours.
template <class Body>
void with_filter(const ConvSpec& spec, const Body& body) {
  check_spec(spec);
  RLNAS_CHECK(is_depthwise(spec), run_failed, "depthwise convolution: kernel ", spec.kernel, ", stride ",
              spec.stride, ", ", spec.in_channels, " -> ", spec.out_channels, " channels in ", spec.groups,
              " groups has no kernel here");
  const auto with_size = [&](auto size) {
    if (Strips::strided(spec))
      body(size, std::true_type{});
    else
      body(size, std::false_type{});
  };
  switch (spec.kernel) {
    case 3:
      return with_size(std::integral_constant<int, 3>{});
    case 5:
      return with_size(std::integral_constant<int, 5>{});
    default:
      return with_size(std::integral_constant<int, 7>{});
  }
}

template <class E>
DepthwiseSource<E> source_of(const DepthwiseInput& input) {
  return {input.x.as<E>(), input.norm.scale, input.norm.shift, bounds_of(input.activation)};
}

}  // namespace rlnas
