// What the classifier needs beside cuBLAS's products: the bias and its gradient.
//
// Launch: add_bias 256 threads, one output a thread. bias_gradient one output column a thread, which walks
// the batch: neighbours read neighbouring floats, and the order of the sum is fixed without a tree.
//
// Bytes: add_bias 8 an output, bias_gradient 4. Both are launches rather than work: 64 x 10 to 256 x 1000
// outputs are 2.5 KiB to 1 MiB; the walk over a batch of 256 takes about 256 loads of latency overlapped 8
// deep, 20 us, by arithmetic, not measured.
//
// Determinism: fixed order, in double; bit-equal from run to run.
#pragma once

#include "kernels/cuda/flat.cuh"

namespace rlnas {

// y [N,O] += bias [O]
__global__ void __launch_bounds__(kFlatThreads)
    add_bias_kernel(std::int64_t count, int out_features, const float* bias, float* y) {
  visit_flat<1>(count, [&](std::int64_t at, auto) { y[at] += __ldg(bias + at % out_features); });
}

// dbias [O] <- sums of dy [N,O] over its rows
__global__ void __launch_bounds__(kFlatThreads)
    bias_gradient_kernel(LinearSpec spec, const float* dy, float* dbias) {
  visit_flat<1>(spec.out_features, [&](std::int64_t o, auto) {
    double sum = 0.0;
    for (int n = 0; n < spec.batch; ++n) sum += double(__ldg(dy + std::int64_t(n) * spec.out_features + o));
    dbias[o] = float(sum);
  });
}

inline void launch_add_bias(const LinearSpec& spec, const float* bias, float* y, GpuStream stream) {
  const std::size_t count = std::size_t(spec.batch) * std::size_t(spec.out_features);
  launch("add_bias_kernel", add_bias_kernel,
         flat_shape("add_bias_kernel", count, 1).costing(stored<float>(count, Store::accumulate)), stream,
         std::int64_t(count), spec.out_features, bias, y);
}

inline void launch_bias_gradient(const LinearSpec& spec, const float* dy, float* dbias, GpuStream stream) {
  const std::size_t count = std::size_t(spec.batch) * std::size_t(spec.out_features);
  launch("bias_gradient_kernel", bias_gradient_kernel,
         flat_shape("bias_gradient_kernel", std::size_t(spec.out_features), 1)
             .costing({float_bytes(count), float_bytes(std::size_t(spec.out_features)), count}),
         stream, spec, dy, dbias);
}

}  // namespace rlnas
