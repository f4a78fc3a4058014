// uint8 images -> normalised floats or bf16 after a flip and a shifted crop, so that a batch crosses the bus
// as bytes.
//
// Launch: 256 threads, one value a thread, stores of a warp side by side; the threads of one row read
// neighbouring bytes, forwards or backwards.
//
// Bytes: 5 a value, 3 in bf16. Flops: 2.
//
// Expected: 60-75 % of memory bandwidth on A100 and H100 for large batches, by arithmetic, not measured
// (4-byte accesses); a CIFAR batch (960 KiB) is bound by launch latency.
//
// Determinism: bit-equal from run to run.
#pragma once

#include "kernels/cuda/flat.cuh"
#include "rlnas/primitives.hpp"

namespace rlnas {

// images [N,H,W,3], params [N] -> y [N,H,W,3]
template <class E>
__global__ void __launch_bounds__(kFlatThreads)
    augment_kernel(AugmentSpec spec, std::int64_t count, const std::uint8_t* images,
                   const AugmentParams* params, E* y) {
  const std::int64_t at = std::int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= count) return;
  constexpr int kC = AugmentSpec::kChannels;
  const std::int64_t pixel = at / kC, line = pixel / spec.width;
  const int c = int(at - pixel * kC), w = int(pixel - line * spec.width), h = int(line % spec.height);
  const std::int64_t n = line / spec.height;
  const AugmentParams& p = params[n];
  const int from_h = h + p.shift_y, shifted = w + p.shift_x;
  const bool inside = from_h >= 0 && from_h < spec.height && shifted >= 0 && shifted < spec.width;
  const int from_w = p.flip != 0 ? spec.width - 1 - shifted : shifted;
  const float value =
      inside ? float(__ldg(images + ((n * spec.height + from_h) * spec.width + from_w) * kC + c)) : 0.0f;
  // Picked by comparison: a runtime index would put the parameters into local memory.
  const float mean = c == 0 ? spec.mean[0] : c == 1 ? spec.mean[1] : spec.mean[2];
  const float inv_std = c == 0 ? spec.inv_std[0] : c == 1 ? spec.inv_std[1] : spec.inv_std[2];
  const int half = spec.cutout / 2;
  const bool cut =
      h >= p.cutout_y - half && h < p.cutout_y + half && w >= p.cutout_x - half && w < p.cutout_x + half;
  y[at] = from_float<E>(cut ? 0.0f : (value - mean) * inv_std);
}

// ---- on the host ----
inline std::size_t image_bytes(const AugmentSpec& spec) {
  return std::size_t(spec.batch) * std::size_t(spec.height) * std::size_t(spec.width) *
         AugmentSpec::kChannels;
}

inline void launch_augment_images(const AugmentImages& call, GpuStream stream) {
  const AugmentSpec& spec = call.spec;
  RLNAS_CHECK(spec.batch > 0 && spec.height > 0 && spec.width > 0, run_failed,
              "augmentation: a size in its spec is not positive");
  const std::int64_t count = std::int64_t(spec.batch) * spec.height * spec.width * AugmentSpec::kChannels;
  with_element(call.y.element(), [&](auto zero) {
    using E = decltype(zero);
    launch("augment_kernel", augment_kernel<E>,
           flat_shape("augment_kernel", std::size_t(count), 1)
               .costing({std::uint64_t(count), value_bytes<E>(std::size_t(count)), 2 * std::uint64_t(count)}),
           stream, spec, count, call.images, call.params, call.y.template as<E>());
  });
}

}  // namespace rlnas
