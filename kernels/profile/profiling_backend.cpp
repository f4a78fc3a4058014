#include "kernels/profile/profiling_backend.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "kernels/profile/profiling_backend_class.h"

namespace rlnas {
std::int64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

std::unique_ptr<Backend> make_profiling_backend(Backend& inner, std::vector<TimedCall>* calls) {
  return std::make_unique<ProfilingBackend>(inner, calls);
}

template <class Work>
void ProfilingBackend::time(RecordedCall call, const Work& work) {
  TimedCall timed{.call = std::move(call), .stage = stage_, .direction = direction_};
  timed.start_ns = now_ns();
  work();
  inner_.synchronize();
  timed.duration_ns = now_ns() - timed.start_ns;
  calls_->push_back(std::move(timed));
}

void ProfilingBackend::read_blocks(const SegmentBlock* blocks, int block_count) {
  blocks_.resize(std::size_t(block_count));
  inner_.download(blocks_.data(), blocks, blocks_.size() * sizeof(SegmentBlock));
}

calls::SgdElements ProfilingBackend::sgd_elements(const SegmentBlock* blocks, int block_count,
                                                  const SegmentState* states) {
  read_blocks(blocks, block_count);
  std::int32_t segments = 0;
  for (const SegmentBlock& block : blocks_) segments = std::max(segments, block.segment + 1);
  states_.resize(std::size_t(segments));
  inner_.download(states_.data(), states, states_.size() * sizeof(SegmentState));
  calls::SgdElements elements;
  for (const SegmentBlock& block : blocks_) {
    const SegmentState state = states_[std::size_t(block.segment)];
    if (has_gradient(state))
      elements.sampled += std::uint64_t(block.count);
    else if (state != SegmentState::untouched)
      elements.coasting += std::uint64_t(block.count);
  }
  return elements;
}

std::uint64_t ProfilingBackend::angle_elements(const SegmentBlock* blocks, int block_count) {
  read_blocks(blocks, block_count);
  std::uint64_t elements = 0;
  for (const SegmentBlock& block : blocks_) elements += std::uint64_t(block.count);
  return elements;
}

void ProfilingBackend::begin_stage(const char* name, Direction direction) {
  stage_ = name;
  direction_ = direction;
  inner_.begin_stage(name, direction);
}

void* ProfilingBackend::allocate(std::size_t bytes) {
  return inner_.allocate(bytes);
}

void ProfilingBackend::release(void* memory) noexcept {
  inner_.release(memory);
}

void ProfilingBackend::upload(void* device, const void* host, std::size_t bytes) {
  time(calls::copy("upload", bytes), [&] { inner_.upload(device, host, bytes); });
}

void ProfilingBackend::download(void* host, const void* device, std::size_t bytes) {
  time(calls::copy("download", bytes), [&] { inner_.download(host, device, bytes); });
}

void ProfilingBackend::synchronize() {
  inner_.synchronize();
}

std::size_t ProfilingBackend::conv_workspace_bytes(const ConvSpec& spec, ConvPass pass) {
  return inner_.conv_workspace_bytes(spec, pass);
}

void ProfilingBackend::conv_forward(const ConvSpec& spec, const float* x, const float* w, float* y,
                                    Workspace workspace) {
  time(calls::conv(spec, ConvPass::forward), [&] { inner_.conv_forward(spec, x, w, y, workspace); });
}

void ProfilingBackend::conv_backward_data(const ConvSpec& spec, const float* dy, const float* w, float* dx,
                                          Workspace workspace) {
  time(calls::conv(spec, ConvPass::backward_data),
       [&] { inner_.conv_backward_data(spec, dy, w, dx, workspace); });
}

void ProfilingBackend::conv_backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                                             Workspace workspace) {
  time(calls::conv(spec, ConvPass::backward_weights),
       [&] { inner_.conv_backward_weights(spec, x, dy, dw, workspace); });
}

std::size_t ProfilingBackend::batch_norm_workspace_bytes(const BatchNormSpec& spec) const {
  return inner_.batch_norm_workspace_bytes(spec);
}

void ProfilingBackend::batch_norm_statistics(const BatchNormSpec& spec, const float* x, const float* gamma,
                                             const float* beta, float* running_mean, float* running_var,
                                             BatchNormSaved saved, Workspace workspace) {
  time(calls::batch_norm_statistics(spec), [&] {
    inner_.batch_norm_statistics(spec, x, gamma, beta, running_mean, running_var, saved, workspace);
  });
}

void ProfilingBackend::batch_norm_backward(const BatchNormSpec& spec, const float* x, const float* dy,
                                           BatchNormSaved saved, float* dx, float* dgamma, float* dbeta,
                                           Workspace workspace) {
  time(calls::batch_norm_backward(spec),
       [&] { inner_.batch_norm_backward(spec, x, dy, saved, dx, dgamma, dbeta, workspace); });
}

void ProfilingBackend::batch_norm_inference(const BatchNormSpec& spec, const float* gamma, const float* beta,
                                            const float* running_mean, const float* running_var,
                                            BatchNormSaved saved) {
  time(calls::batch_norm_inference(spec),
       [&] { inner_.batch_norm_inference(spec, gamma, beta, running_mean, running_var, saved); });
}

std::size_t ProfilingBackend::conv_norm_workspace_bytes(const ConvNormSpec& spec, Direction direction) {
  return inner_.conv_norm_workspace_bytes(spec, direction);
}

void ProfilingBackend::conv_norm_forward(const ConvNormSpec& spec, const ConvNormForward& operands,
                                         Workspace workspace) {
  time(calls::conv_norm_forward(spec), [&] { inner_.conv_norm_forward(spec, operands, workspace); });
}

void ProfilingBackend::conv_norm_backward(const ConvNormSpec& spec, const ConvNormBackward& operands,
                                          Workspace workspace) {
  time(calls::conv_norm_backward(spec, operands),
       [&] { inner_.conv_norm_backward(spec, operands, workspace); });
}

void ProfilingBackend::affine_sum(const AffineSumSpec& spec, float* sum, float* activated) {
  time(calls::affine_sum(spec, (sum != nullptr ? 1 : 0) + (activated != nullptr ? 1 : 0)),
       [&] { inner_.affine_sum(spec, sum, activated); });
}

void ProfilingBackend::activation_backward(Activation activation, std::size_t count, const float* activated,
                                           const float* dy, float* dx, Store store) {
  time(calls::activation_backward(count, store),
       [&] { inner_.activation_backward(activation, count, activated, dy, dx, store); });
}

void ProfilingBackend::add(std::size_t count, const float* x, float* y, Store store) {
  time(calls::add(count, store), [&] { inner_.add(count, x, y, store); });
}

void ProfilingBackend::fill(std::size_t count, float value, float* y) {
  time(calls::fill(count), [&] { inner_.fill(count, value, y); });
}

void ProfilingBackend::scale_rows(const RowScaleSpec& spec, const float* scale, const float* x, float* y,
                                  Store store) {
  time(calls::scale_rows(spec, store), [&] { inner_.scale_rows(spec, scale, x, y, store); });
}

void ProfilingBackend::copy_channels(const ChannelCopySpec& spec, const float* x, float* y, Store store) {
  time(calls::copy_channels(spec, store), [&] { inner_.copy_channels(spec, x, y, store); });
}

void ProfilingBackend::subsample_forward(const SubsampleSpec& spec, const float* x, float* y) {
  time(calls::subsample_forward(spec), [&] { inner_.subsample_forward(spec, x, y); });
}

void ProfilingBackend::subsample_backward(const SubsampleSpec& spec, const float* dy, float* dx,
                                          Store store) {
  time(calls::subsample_backward(spec, store), [&] { inner_.subsample_backward(spec, dy, dx, store); });
}

void ProfilingBackend::avg_pool_forward(const PoolSpec& spec, const float* x, float* y) {
  time(calls::avg_pool_forward(spec), [&] { inner_.avg_pool_forward(spec, x, y); });
}

void ProfilingBackend::avg_pool_backward(const PoolSpec& spec, const float* dy, float* dx, Store store) {
  time(calls::avg_pool_backward(spec, store), [&] { inner_.avg_pool_backward(spec, dy, dx, store); });
}

void ProfilingBackend::max_pool_forward(const PoolSpec& spec, const float* x, float* y, std::uint8_t* index) {
  time(calls::max_pool_forward(spec), [&] { inner_.max_pool_forward(spec, x, y, index); });
}

void ProfilingBackend::max_pool_backward(const PoolSpec& spec, const std::uint8_t* index, const float* dy,
                                         float* dx, Store store) {
  time(calls::max_pool_backward(spec, store), [&] { inner_.max_pool_backward(spec, index, dy, dx, store); });
}

void ProfilingBackend::global_avg_pool_forward(int batch, int pixels, int channels, const float* x,
                                               float* y) {
  time(calls::global_avg_pool("global_avg_pool_forward", batch, pixels, channels),
       [&] { inner_.global_avg_pool_forward(batch, pixels, channels, x, y); });
}

void ProfilingBackend::global_avg_pool_backward(int batch, int pixels, int channels, const float* dy,
                                                float* dx) {
  time(calls::global_avg_pool("global_avg_pool_backward", batch, pixels, channels),
       [&] { inner_.global_avg_pool_backward(batch, pixels, channels, dy, dx); });
}

void ProfilingBackend::linear_forward(const LinearSpec& spec, const float* x, const float* w,
                                      const float* bias, float* y) {
  time(calls::linear("linear_forward", spec), [&] { inner_.linear_forward(spec, x, w, bias, y); });
}

void ProfilingBackend::linear_backward_data(const LinearSpec& spec, const float* dy, const float* w,
                                            float* dx) {
  time(calls::linear("linear_backward_data", spec), [&] { inner_.linear_backward_data(spec, dy, w, dx); });
}

void ProfilingBackend::linear_backward_weights(const LinearSpec& spec, const float* x, const float* dy,
                                               float* dw, float* dbias) {
  time(calls::linear("linear_backward_weights", spec),
       [&] { inner_.linear_backward_weights(spec, x, dy, dw, dbias); });
}

void ProfilingBackend::cross_entropy(const CrossEntropySpec& spec, const float* logits,
                                     const std::int32_t* labels, float* dlogits, LossSums* sums) {
  time(calls::cross_entropy(spec), [&] { inner_.cross_entropy(spec, logits, labels, dlogits, sums); });
}

std::size_t ProfilingBackend::gradient_norm_workspace_bytes(int block_count) const {
  return inner_.gradient_norm_workspace_bytes(block_count);
}

void ProfilingBackend::gradient_norm(const SegmentBlock* blocks, int block_count, const SegmentState* states,
                                     const float* gradient, float max_norm, GradientNorm* norm,
                                     Workspace workspace) {
  time(calls::gradient_norm(block_count, sgd_elements(blocks, block_count, states).sampled),
       [&] { inner_.gradient_norm(blocks, block_count, states, gradient, max_norm, norm, workspace); });
}

void ProfilingBackend::sgd_step(const SgdSpec& spec, const SegmentBlock* blocks, int block_count,
                                const SegmentState* states, const float* gradient, float* momentum,
                                float* weights) {
  time(calls::sgd_step(block_count, sgd_elements(blocks, block_count, states)),
       [&] { inner_.sgd_step(spec, blocks, block_count, states, gradient, momentum, weights); });
}

std::size_t ProfilingBackend::angle_sums_workspace_bytes(int block_count) const {
  return inner_.angle_sums_workspace_bytes(block_count);
}

void ProfilingBackend::angle_sums(const SegmentBlock* blocks, int block_count, int segment_count,
                                  const float* w0, const float* w1, AngleSums* sums, Workspace workspace) {
  time(calls::angle_sums(block_count, angle_elements(blocks, block_count)),
       [&] { inner_.angle_sums(blocks, block_count, segment_count, w0, w1, sums, workspace); });
}

void ProfilingBackend::augment_images(const AugmentSpec& spec, const std::uint8_t* images,
                                      const AugmentParams* params, float* y) {
  time(calls::augment_images(spec), [&] { inner_.augment_images(spec, images, params, y); });
}

}  // namespace rlnas
