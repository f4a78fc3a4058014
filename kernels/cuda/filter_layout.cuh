// Brings a filter gradient from the layout in which cuDNN makes it fastest, KRSC, to the OIHW of the flat
// weight buffer (why: cudnn_graph.h), and from bfloat16 to float where the convolution ran in that.
//
// Launch: 256 threads, one element of the result a thread, so that writes are whole lines; reads stride by
// the channels of a group and meet in the caches, for the largest filter of the search spaces is a few MiB
// and the NAS-Bench-201 ones are 2 to 147 KiB.
//
// Bytes: 8 an element (6 from bfloat16).
//
// Expected: a launch, 2 to 3 us on A100 and H100, by arithmetic, not measured.
//
// Determinism: a copy.
#pragma once

#include "kernels/cuda/bf16.cuh"
#include "kernels/cuda/flat.cuh"

namespace rlnas {

struct FilterShape {
  int channels;  // C/g
  int taps;      // R*S
};

// krsc [K,R*S,C/g] -> oihw [K,C/g,R*S]
template <class Source>
__global__ void __launch_bounds__(kFlatThreads)
    krsc_to_oihw_kernel(std::int64_t count, FilterShape shape, const Source* krsc, float* oihw) {
  visit_flat<1>(count, [&](std::int64_t at, auto) {
    const std::int64_t row = at / shape.taps;  // k, c
    const std::int64_t tap = at - row * shape.taps, k = row / shape.channels, c = row - k * shape.channels;
    oihw[at] = to_float(krsc[(k * shape.taps + tap) * shape.channels + c]);
  });
}

template <class Source>
void launch_krsc_to_oihw(const ConvSpec& spec, const Source* krsc, float* oihw, GpuStream stream) {
  const FilterShape shape{spec.in_channels / spec.groups, spec.kernel * spec.kernel};
  launch("krsc_to_oihw_kernel", krsc_to_oihw_kernel<Source>,
         flat_shape("krsc_to_oihw_kernel", spec.weight_count(), 1)
             .costing({spec.weight_count() * sizeof(Source), float_bytes(spec.weight_count())}),
         stream, std::int64_t(spec.weight_count()), shape, krsc, oihw);
}

}  // namespace rlnas
