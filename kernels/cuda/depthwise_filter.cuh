// What the passes of a depthwise convolution share: what they read, and the filter in shared memory. The
// passes are in depthwise.cuh and depthwise_gradients.cuh.
#pragma once

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/depthwise.h"
#include "kernels/cuda/strips.cuh"
#include "kernels/spec_checks.h"

namespace rlnas {

inline constexpr int kDepthwiseBlocks = 2;  // of a multiprocessor, at least: 128 registers a thread
inline constexpr int kFilterColumns = 32;   // threads along channels, at most

// The input [N,H,W,C] of the convolution, or what comes before an activation of its norm, whose scale is not
// null then.
template <class E>
struct DepthwiseSource {
  const E* from = nullptr;
  ConstBatchNormSaved norm = {};
  ActivationBounds bounds = {};
};

// w [C,1,R,S] of this block's channels, zeros where that is null -> filters [tap][kTile channels]. Nobody may
// read them before a barrier.
template <int kTaps, int kTile>
__device__ __forceinline__ void load_filters(int channels, int width, const float* w,
                                             SharedPointer<float> filters) {
  const int tile = int(blockDim.x) * width, first = int(blockIdx.y) * tile;
  const int count = (first + tile <= channels ? tile : channels - first) * kTaps;
  for (int i = int(threadIdx.y * blockDim.x + threadIdx.x); i < count; i += int(blockDim.x * blockDim.y))
    filters[i % kTaps * kTile + i / kTaps] = w != nullptr ? __ldg(w + std::int64_t(first) * kTaps + i) : 0.0f;
}

// ---- on the host ----
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
  return {input.x.as<E>(), input.norm, bounds_of(input.activation)};
}

}  // namespace rlnas
