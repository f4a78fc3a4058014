// The CPU backend: oneDNN or Winograd for dense convolutions, own OpenMP kernels for everything else.
//
// Why one class over many files: each method is the kernel itself, in the file named after it (conv.cpp,
// batch_norm.cpp, ...), so a caller is one hop from the loop. Work is cut into blocks that depend on the
// problem alone, never on the thread count, and partial results are added up in block order: every result is
// bit-equal for any number of threads.
#pragma once

#include <memory>
#include <string>

#include "kernels/backend.h"
#include "kernels/cpu/host_memory.h"

namespace rlnas {

class ConvEngine;  // which code runs a convolution: conv_engine.h

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const CpuOptions& options);
  ~CpuBackend() override;

  std::string description() const override;

  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override { memory_.release(memory); }
  void upload(void* device, const void* host, std::size_t bytes) override;
  void download(void* host, const void* device, std::size_t bytes) override;
  void synchronize() override {}

  std::size_t conv_workspace_bytes(const ConvSpec& spec, ConvPass pass) override;
  void conv_forward(const ConvSpec& spec, const float* x, const float* w, float* y,
                    Workspace workspace) override;
  void conv_backward_data(const ConvSpec& spec, const float* dy, const float* w, float* dx,
                          Workspace workspace) override;
  void conv_backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                             Workspace workspace) override;

  std::size_t batch_norm_workspace_bytes(const BatchNormSpec& spec) const override;
  void batch_norm_statistics(const BatchNormSpec& spec, const float* x, const float* gamma, const float* beta,
                             float* running_mean, float* running_var, BatchNormSaved saved,
                             Workspace workspace) override;
  void batch_norm_backward(const BatchNormSpec& spec, const float* x, const float* dy, BatchNormSaved saved,
                           float* dx, float* dgamma, float* dbeta, Workspace workspace) override;
  void batch_norm_inference(const BatchNormSpec& spec, const float* gamma, const float* beta,
                            const float* running_mean, const float* running_var,
                            BatchNormSaved saved) override;

  std::size_t conv_norm_workspace_bytes(const ConvNormSpec& spec, Direction direction) override;
  bool gains_by_normalising_inputs() const override { return true; }
  void conv_norm_forward(const ConvNormSpec& spec, const ConvNormForward& operands,
                         Workspace workspace) override;
  void conv_norm_backward(const ConvNormSpec& spec, const ConvNormBackward& operands,
                          Workspace workspace) override;

  void affine_sum(const AffineSumSpec& spec, float* sum, float* activated) override;
  void activation_backward(Activation activation, std::size_t count, const float* activated, const float* dy,
                           float* dx, Store store) override;
  void add(std::size_t count, const float* x, float* y, Store store) override;
  void fill(std::size_t count, float value, float* y) override;
  void scale_rows(const RowScaleSpec& spec, const float* scale, const float* x, float* y,
                  Store store) override;

  void copy_channels(const ChannelCopySpec& spec, const float* x, float* y, Store store) override;
  void subsample_forward(const SubsampleSpec& spec, const float* x, float* y) override;
  void subsample_backward(const SubsampleSpec& spec, const float* dy, float* dx, Store store) override;

  void avg_pool_forward(const PoolSpec& spec, const float* x, float* y) override;
  void avg_pool_backward(const PoolSpec& spec, const float* dy, float* dx, Store store) override;
  void max_pool_forward(const PoolSpec& spec, const float* x, float* y, std::uint8_t* index) override;
  void max_pool_backward(const PoolSpec& spec, const std::uint8_t* index, const float* dy, float* dx,
                         Store store) override;
  void global_avg_pool_forward(int batch, int pixels, int channels, const float* x, float* y) override;
  void global_avg_pool_backward(int batch, int pixels, int channels, const float* dy, float* dx) override;

  void linear_forward(const LinearSpec& spec, const float* x, const float* w, const float* bias,
                      float* y) override;
  void linear_backward_data(const LinearSpec& spec, const float* dy, const float* w, float* dx) override;
  void linear_backward_weights(const LinearSpec& spec, const float* x, const float* dy, float* dw,
                               float* dbias) override;
  void cross_entropy(const CrossEntropySpec& spec, const float* logits, const std::int32_t* labels,
                     float* dlogits, LossSums* sums) override;

  std::size_t gradient_norm_workspace_bytes(int block_count) const override;
  void gradient_norm(const SegmentBlock* blocks, int block_count, const SegmentState* states,
                     const float* gradient, float max_norm, GradientNorm* norm, Workspace) override;
  void sgd_step(const SgdSpec& spec, const SegmentBlock* blocks, int block_count, const SegmentState* states,
                const float* gradient, float* momentum, float* weights) override;
  std::size_t angle_sums_workspace_bytes(int block_count) const override;
  void angle_sums(const SegmentBlock* blocks, int block_count, int segment_count, const float* w0,
                  const float* w1, AngleSums* sums, Workspace workspace) override;

  void augment_images(const AugmentSpec& spec, const std::uint8_t* images, const AugmentParams* params,
                      float* y) override;

 private:
  int threads_;
  ConvAlgorithm algorithm_;
  std::unique_ptr<ConvEngine> conv_;
  HostMemory memory_;
};

}  // namespace rlnas
