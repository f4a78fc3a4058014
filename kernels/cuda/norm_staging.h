// The kernels around batch norm, cuDNN's and other kernels', for callers that are plain C++; in batch_norm.cu
// and elementwise.cu. Asynchronous on the stream.
#pragma once

#include "kernels/backend.h"
#include "kernels/cuda/gpu_stream.h"

namespace rlnas {

// saved.mean and saved.inv_std -> saved.scale and saved.shift; updates running_mean and running_var [C]
// (unbiased variance).
void norm_from_saved(const BatchNormSpec& spec, const float* gamma, const float* beta, float* running_mean,
                     float* running_var, BatchNormSaved saved, GpuStream stream);
// gamma [C] = saved.scale / saved.inv_std
void gamma_from_saved(const BatchNormSpec& spec, ConstBatchNormSaved saved, float* gamma, GpuStream stream);
// What a convolution notes of the gradient of its input, for the norm before it: BatchNormNote of
// norm_results.cuh.
std::size_t norm_note_bytes(int channels);
// That note without dgamma and dbeta, which go where `call` says, made in the workspace of the call; dx is
// not.
const void* note_of_norm_gradient(const BatchNormBackward& call, Workspace workspace, unsigned* counters,
                                  GpuStream stream);
// The gradient of a norm from the note on its dy; needs no workspace.
void norm_gradient_from_note(const BatchNormBackward& call, const void* note, GpuStream stream);
// to [count] = from
void copy_values(std::size_t count, ConstValues from, Values to, GpuStream stream);

}  // namespace rlnas
