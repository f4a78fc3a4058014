// The CUDA backend: cuDNN for dense convolutions, cuBLAS for the classifier, own kernels for everything else
// (for batch norm and average pooling by choice cuDNN as well).
//
// One class over many files, as the CPU backend: each method is in the file named after it. Methods that
// launch own kernels are in .cu files and know a stream, nothing else of CUDA; so tests/emulation compiles
// these very files with g++ and runs them on host memory, and this header includes nothing of CUDA.
#pragma once

#include <memory>
#include <string>

#include "kernels/backend.h"
#include "kernels/cuda/gpu_stream.h"

namespace rlnas {

class NormPool;     // norm_pool.h
struct CudaDevice;  // streams, staging memory and library handles: cuda_device.h

class CudaBackend final : public Backend {
 public:
  // Errors: device when the machine has no driver or no device of that index, or this program no kernels for
  // it.
  explicit CudaBackend(const CudaOptions& options);
  ~CudaBackend() override;

  std::string description() const override;
  void begin_stage(const char* name, Direction direction) override;

  void* allocate(std::size_t bytes) override;
  void release(void* memory) noexcept override;
  void upload(void* device, const void* host, std::size_t bytes) override;
  void download(void* host, const void* device, std::size_t bytes) override;
  void synchronize() override;
  // Null where stages are captured: other libraries' events do not go into a graph.
  void* native_stream() override { return options_.graph_capture == GraphCapture::off ? stream_ : nullptr; }
  std::unique_ptr<Readback> make_readback(std::size_t bytes) override;

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
  void try_kernel();

  CudaOptions options_;
  std::unique_ptr<CudaDevice> device_;
  GpuStream stream_ = nullptr;     // the one compute stream; device_ owns it
  NormPool* norm_pool_ = nullptr;  // null: own kernels; device_ owns it
};

}  // namespace rlnas
