// A profiling backend that runs one chosen call of a step many times over: what a call takes by itself, on
// the operands and at the place in memory where the step has them. Results of the step are then wrong; its
// times are not.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernels/profile/profiling_backend.h"

namespace rlnas::bench {

// Calls with the same text cost the same: "conv_norm_forward [64,32,32,16] 3x3 s1 -> 16, 8.4 MB".
std::string call_name(const RecordedCall& call);

class RepeatingBackend final : public Backend {
 public:
  // `together`: how many repetitions are queued before the device is waited for; their time is the mean.
  RepeatingBackend(Backend& inner, int together)
      : inner_(inner), together_(together), profiler_(make_profiling_backend(inner, &calls_)) {}

  // The next call of this name is repeated, once. Empties calls().
  void select(std::string name);
  // All calls since then but the repetitions.
  const std::vector<TimedCall>& calls() const { return calls_; }
  // The times of the selected call; the first is that within the step. Empty: no such call was made.
  const std::vector<std::int64_t>& times_ns() const { return times_ns_; }

  std::string description() const override { return profiler_->description(); }
  void* allocate(std::size_t bytes) override { return profiler_->allocate(bytes); }
  void release(void* memory) noexcept override { profiler_->release(memory); }
  void upload(void* device, const void* host, std::size_t bytes) override;
  void download(void* host, const void* device, std::size_t bytes) override;
  void synchronize() override { profiler_->synchronize(); }

  std::size_t conv_workspace_bytes(const ConvSpec& spec, ConvPass pass) override;
  void conv_forward(const ConvSpec&, const float* x, const float* w, float* y, Workspace) override;
  void conv_backward_data(const ConvSpec&, const float* dy, const float* w, float* dx, Workspace) override;
  void conv_backward_weights(const ConvSpec&, const float* x, const float* dy, float* dw, Workspace) override;
  std::size_t batch_norm_workspace_bytes(const BatchNormSpec& spec) const override;
  void batch_norm_statistics(const BatchNormSpec&, const float* x, const float* gamma, const float* beta,
                             float* running_mean, float* running_var, BatchNormSaved, Workspace) override;
  void batch_norm_backward(const BatchNormSpec&, const float* x, const float* dy, BatchNormSaved, float* dx,
                           float* dgamma, float* dbeta, Workspace) override;
  void batch_norm_inference(const BatchNormSpec&, const float* gamma, const float* beta,
                            const float* running_mean, const float* running_var, BatchNormSaved) override;
  std::size_t conv_norm_workspace_bytes(const ConvNormSpec& spec, Direction direction) override;
  bool gains_by_normalising_inputs() const override { return profiler_->gains_by_normalising_inputs(); }
  void conv_norm_forward(const ConvNormSpec&, const ConvNormForward&, Workspace) override;
  void conv_norm_backward(const ConvNormSpec&, const ConvNormBackward&, Workspace) override;
  void affine_sum(const AffineSumSpec&, float* sum, float* activated) override;
  void activation_backward(Activation, std::size_t count, const float* activated, const float* dy, float* dx,
                           Store) override;
  void add(std::size_t count, const float* x, float* y, Store) override;
  void fill(std::size_t count, float value, float* y) override;
  void scale_rows(const RowScaleSpec& spec, const float* scale, const float* x, float* y,
                  Store store) override;
  void copy_channels(const ChannelCopySpec& spec, const float* x, float* y, Store store) override;
  void subsample_forward(const SubsampleSpec& spec, const float* x, float* y) override;
  void subsample_backward(const SubsampleSpec& spec, const float* dy, float* dx, Store store) override;
  void avg_pool_forward(const PoolSpec&, const float* x, float* y) override;
  void avg_pool_backward(const PoolSpec&, const float* dy, float* dx, Store) override;
  void max_pool_forward(const PoolSpec&, const float* x, float* y, std::uint8_t* index) override;
  void max_pool_backward(const PoolSpec&, const std::uint8_t* index, const float* dy, float* dx,
                         Store) override;
  void global_avg_pool_forward(int batch, int pixels, int channels, const float* x, float* y) override;
  void global_avg_pool_backward(int batch, int pixels, int channels, const float* dy, float* dx) override;
  void linear_forward(const LinearSpec&, const float* x, const float* w, const float* bias,
                      float* y) override;
  void linear_backward_data(const LinearSpec&, const float* dy, const float* w, float* dx) override;
  void linear_backward_weights(const LinearSpec&, const float* x, const float* dy, float* dw,
                               float* dbias) override;
  void cross_entropy(const CrossEntropySpec&, const float* logits, const std::int32_t* labels, float* dlogits,
                     LossSums* sums) override;
  std::size_t gradient_norm_workspace_bytes(int block_count) const override;
  void gradient_norm(const SegmentBlock* blocks, int block_count, const SegmentState* states,
                     const float* gradient, float max_norm, GradientNorm* norm, Workspace) override;
  void sgd_step(const SgdSpec&, const SegmentBlock* blocks, int block_count, const SegmentState* states,
                const float* gradient, float* momentum, float* weights) override;
  std::size_t angle_sums_workspace_bytes(int block_count) const override;
  void angle_sums(const SegmentBlock* blocks, int block_count, int segment_count, const float* w0,
                  const float* w1, AngleSums* sums, Workspace) override;
  void augment_images(const AugmentSpec&, const std::uint8_t* images, const AugmentParams* params,
                      float* y) override;

 private:
  // Calls `method` of the profiler; over and over if it turns out to be the selected call.
  template <class Method, class... Operands>
  void run(Method method, const Operands&... operands);

  Backend& inner_;
  int together_;
  std::vector<TimedCall> calls_;
  std::unique_ptr<Backend> profiler_;
  std::string selected_;
  std::vector<std::int64_t> times_ns_;
};

}  // namespace rlnas::bench
