#include "kernels/cuda/batch_norm.cuh"

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/norm_pool.h"
#include "kernels/cuda/norm_staging.h"

namespace rlnas {

bool CudaBackend::norm_by_library(const BatchNormSpec& spec, Element element) const {
  return norm_pool_ != nullptr && norm_pool_->takes(spec, element);
}

std::size_t CudaBackend::norm_workspace_bytes(const BatchNormSpec& spec, Element element) const {
  if (norm_by_library(spec, element)) return norm_pool_->norm_workspace_bytes(spec, element);
  return batch_norm_scratch_bytes(spec);
}

std::size_t CudaBackend::workspace_bytes(const BatchNormStatistics& call) {
  return norm_workspace_bytes(call.spec, call.x.element());
}

std::size_t CudaBackend::workspace_bytes(const BatchNormBackward& call) {
  return norm_workspace_bytes(call.spec, call.x.element());
}

void CudaBackend::run(const BatchNormStatistics& call, Workspace workspace) {
  if (norm_by_library(call.spec, call.x.element())) return norm_pool_->run(call, workspace);
  launch_batch_norm_statistics(call, workspace, counters_, stream_);
}

void CudaBackend::run(const BatchNormBackward& call, Workspace workspace) {
  if (norm_by_library(call.spec, call.x.element()) && call.activation == Activation::none)
    return norm_pool_->run(call, workspace);
  launch_batch_norm_backward(call, workspace, counters_, stream_);
}

void CudaBackend::run(const BatchNormInference& call, Workspace) {
  launch_batch_norm_inference(call, stream_);
}

std::size_t CudaBackend::workspace_bytes(const ChannelDots& call) {
  return batch_norm_scratch_bytes({.rows = call.rows, .channels = call.channels});
}

void CudaBackend::run(const ChannelDots& call, Workspace workspace) {
  launch_channel_dots(call, workspace, counters_, stream_);
}

std::size_t norm_note_bytes(int channels) {
  return BatchNormNote::bytes(channels);
}

const void* note_of_norm_gradient(const BatchNormBackward& call, Workspace workspace, unsigned* counters,
                                  GpuStream stream) {
  return launch_batch_norm_gradient_sums(call, workspace, counters, stream).slope;
}

void norm_gradient_from_note(const BatchNormBackward& call, const void* note, GpuStream stream) {
  check_spec(call.spec);
  launch_batch_norm_apply(call, BatchNormNote::at(const_cast<void*>(note), call.spec.channels), stream);
}

void norm_from_saved(const BatchNormSpec& spec, const float* gamma, const float* beta, float* running_mean,
                     float* running_var, BatchNormSaved saved, GpuStream stream) {
  launch("batch_norm_from_saved_kernel", batch_norm_from_saved_kernel,
         channels_shape("batch_norm_from_saved_kernel", spec)
             .costing({channel_bytes(spec, 6), channel_bytes(spec, 6)}),
         stream, spec, gamma, beta, running_mean, running_var, saved);
}

void gamma_from_saved(const BatchNormSpec& spec, ConstBatchNormSaved saved, float* gamma, GpuStream stream) {
  launch("batch_norm_gamma_kernel", batch_norm_gamma_kernel,
         channels_shape("batch_norm_gamma_kernel", spec)
             .costing({channel_bytes(spec, 2), channel_bytes(spec, 1)}),
         stream, spec.channels, saved, gamma);
}

}  // namespace rlnas
