#include "bench/repeating_backend.h"

#include <cstdio>
#include <utility>

#include "bench/device.h"

namespace rlnas::bench {
namespace {

constexpr std::size_t kMostRepeats = 100;
constexpr std::size_t kFewestRepeats = 9;
constexpr std::int64_t kBudgetNs = 50'000'000;  // for one call, once there are enough repetitions

}  // namespace

std::string call_name(const RecordedCall& call) {
  char megabytes[32];
  std::snprintf(megabytes, sizeof(megabytes), ", %.3g MB", double(call.bytes) / 1e6);
  return call.primitive + " " + call.shape + megabytes;
}

void RepeatingBackend::select(std::string name) {
  selected_ = std::move(name);
  calls_.clear();
  times_ns_.clear();
}

template <class Method, class... Operands>
void RepeatingBackend::run(Method method, const Operands&... operands) {
  (profiler_.get()->*method)(operands...);
  if (selected_.empty() || call_name(calls_.back().call) != selected_) return;
  selected_.clear();
  times_ns_.push_back(calls_.back().duration_ns);
  for (std::int64_t spent_ns = 0; times_ns_.size() < kMostRepeats;) {
    if (times_ns_.size() > kFewestRepeats && spent_ns > kBudgetNs) break;
    const double call_s = seconds_a_call(inner_, together_, [&](int) { (inner_.*method)(operands...); });
    times_ns_.push_back(std::int64_t(1e9 * call_s));
    spent_ns += times_ns_.back() * together_;
  }
}

void RepeatingBackend::upload(void* device, const void* host, std::size_t bytes) {
  run(&Backend::upload, device, host, bytes);
}

void RepeatingBackend::download(void* host, const void* device, std::size_t bytes) {
  run(&Backend::download, host, device, bytes);
}

std::size_t RepeatingBackend::conv_workspace_bytes(const ConvSpec& spec, ConvPass pass) {
  return profiler_->conv_workspace_bytes(spec, pass);
}

void RepeatingBackend::conv_forward(const ConvSpec& spec, const float* x, const float* w, float* y,
                                    Workspace workspace) {
  run(&Backend::conv_forward, spec, x, w, y, workspace);
}

void RepeatingBackend::conv_backward_data(const ConvSpec& spec, const float* dy, const float* w, float* dx,
                                          Workspace workspace) {
  run(&Backend::conv_backward_data, spec, dy, w, dx, workspace);
}

void RepeatingBackend::conv_backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                                             Workspace workspace) {
  run(&Backend::conv_backward_weights, spec, x, dy, dw, workspace);
}

std::size_t RepeatingBackend::batch_norm_workspace_bytes(const BatchNormSpec& spec) const {
  return profiler_->batch_norm_workspace_bytes(spec);
}

void RepeatingBackend::batch_norm_statistics(const BatchNormSpec& spec, const float* x, const float* gamma,
                                             const float* beta, float* running_mean, float* running_var,
                                             BatchNormSaved saved, Workspace workspace) {
  run(&Backend::batch_norm_statistics, spec, x, gamma, beta, running_mean, running_var, saved, workspace);
}

void RepeatingBackend::batch_norm_backward(const BatchNormSpec& spec, const float* x, const float* dy,
                                           BatchNormSaved saved, float* dx, float* dgamma, float* dbeta,
                                           Workspace workspace) {
  run(&Backend::batch_norm_backward, spec, x, dy, saved, dx, dgamma, dbeta, workspace);
}

void RepeatingBackend::batch_norm_inference(const BatchNormSpec& spec, const float* gamma, const float* beta,
                                            const float* running_mean, const float* running_var,
                                            BatchNormSaved saved) {
  run(&Backend::batch_norm_inference, spec, gamma, beta, running_mean, running_var, saved);
}

std::size_t RepeatingBackend::conv_norm_workspace_bytes(const ConvNormSpec& spec, Direction direction) {
  return profiler_->conv_norm_workspace_bytes(spec, direction);
}

void RepeatingBackend::conv_norm_forward(const ConvNormSpec& spec, const ConvNormForward& operands,
                                         Workspace workspace) {
  run(&Backend::conv_norm_forward, spec, operands, workspace);
}

void RepeatingBackend::conv_norm_backward(const ConvNormSpec& spec, const ConvNormBackward& operands,
                                          Workspace workspace) {
  run(&Backend::conv_norm_backward, spec, operands, workspace);
}

void RepeatingBackend::affine_sum(const AffineSumSpec& spec, float* sum, float* activated) {
  run(&Backend::affine_sum, spec, sum, activated);
}

void RepeatingBackend::activation_backward(Activation activation, std::size_t count, const float* activated,
                                           const float* dy, float* dx, Store store) {
  run(&Backend::activation_backward, activation, count, activated, dy, dx, store);
}

void RepeatingBackend::add(std::size_t count, const float* x, float* y, Store store) {
  run(&Backend::add, count, x, y, store);
}

void RepeatingBackend::fill(std::size_t count, float value, float* y) {
  run(&Backend::fill, count, value, y);
}

void RepeatingBackend::scale_rows(const RowScaleSpec& spec, const float* scale, const float* x, float* y,
                                  Store store) {
  run(&Backend::scale_rows, spec, scale, x, y, store);
}

void RepeatingBackend::copy_channels(const ChannelCopySpec& spec, const float* x, float* y, Store store) {
  run(&Backend::copy_channels, spec, x, y, store);
}

void RepeatingBackend::subsample_forward(const SubsampleSpec& spec, const float* x, float* y) {
  run(&Backend::subsample_forward, spec, x, y);
}

void RepeatingBackend::subsample_backward(const SubsampleSpec& spec, const float* dy, float* dx,
                                          Store store) {
  run(&Backend::subsample_backward, spec, dy, dx, store);
}

void RepeatingBackend::avg_pool_forward(const PoolSpec& spec, const float* x, float* y) {
  run(&Backend::avg_pool_forward, spec, x, y);
}

void RepeatingBackend::avg_pool_backward(const PoolSpec& spec, const float* dy, float* dx, Store store) {
  run(&Backend::avg_pool_backward, spec, dy, dx, store);
}

void RepeatingBackend::max_pool_forward(const PoolSpec& spec, const float* x, float* y, std::uint8_t* index) {
  run(&Backend::max_pool_forward, spec, x, y, index);
}

void RepeatingBackend::max_pool_backward(const PoolSpec& spec, const std::uint8_t* index, const float* dy,
                                         float* dx, Store store) {
  run(&Backend::max_pool_backward, spec, index, dy, dx, store);
}

void RepeatingBackend::global_avg_pool_forward(int batch, int pixels, int channels, const float* x,
                                               float* y) {
  run(&Backend::global_avg_pool_forward, batch, pixels, channels, x, y);
}

void RepeatingBackend::global_avg_pool_backward(int batch, int pixels, int channels, const float* dy,
                                                float* dx) {
  run(&Backend::global_avg_pool_backward, batch, pixels, channels, dy, dx);
}

void RepeatingBackend::linear_forward(const LinearSpec& spec, const float* x, const float* w,
                                      const float* bias, float* y) {
  run(&Backend::linear_forward, spec, x, w, bias, y);
}

void RepeatingBackend::linear_backward_data(const LinearSpec& spec, const float* dy, const float* w,
                                            float* dx) {
  run(&Backend::linear_backward_data, spec, dy, w, dx);
}

void RepeatingBackend::linear_backward_weights(const LinearSpec& spec, const float* x, const float* dy,
                                               float* dw, float* dbias) {
  run(&Backend::linear_backward_weights, spec, x, dy, dw, dbias);
}

void RepeatingBackend::cross_entropy(const CrossEntropySpec& spec, const float* logits,
                                     const std::int32_t* labels, float* dlogits, LossSums* sums) {
  run(&Backend::cross_entropy, spec, logits, labels, dlogits, sums);
}

std::size_t RepeatingBackend::gradient_norm_workspace_bytes(int block_count) const {
  return profiler_->gradient_norm_workspace_bytes(block_count);
}

void RepeatingBackend::gradient_norm(const SegmentBlock* blocks, int block_count, const SegmentState* states,
                                     const float* gradient, float max_norm, GradientNorm* norm,
                                     Workspace workspace) {
  run(&Backend::gradient_norm, blocks, block_count, states, gradient, max_norm, norm, workspace);
}

void RepeatingBackend::sgd_step(const SgdSpec& spec, const SegmentBlock* blocks, int block_count,
                                const SegmentState* states, const float* gradient, float* momentum,
                                float* weights) {
  run(&Backend::sgd_step, spec, blocks, block_count, states, gradient, momentum, weights);
}

std::size_t RepeatingBackend::angle_sums_workspace_bytes(int block_count) const {
  return profiler_->angle_sums_workspace_bytes(block_count);
}

void RepeatingBackend::angle_sums(const SegmentBlock* blocks, int block_count, int segment_count,
                                  const float* w0, const float* w1, AngleSums* sums, Workspace workspace) {
  run(&Backend::angle_sums, blocks, block_count, segment_count, w0, w1, sums, workspace);
}

void RepeatingBackend::augment_images(const AugmentSpec& spec, const std::uint8_t* images,
                                      const AugmentParams* params, float* y) {
  run(&Backend::augment_images, spec, images, params, y);
}

}  // namespace rlnas::bench
