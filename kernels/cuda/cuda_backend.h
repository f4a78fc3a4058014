// The CUDA backend: cuDNN for dense convolutions, cuBLAS for the classifier and 1x1 convolutions, own kernels
// for everything else (for 1x1 convolutions, batch norm and average pooling by choice cuDNN as well).
//
// One class over many files, as the CPU backend: the run() of a primitive is in the file of its subject.
// Those that launch own kernels are in .cu files and know a stream, nothing else of CUDA; so tests/emulation
// compiles these very files with g++ and runs them on host memory, and this header includes nothing of CUDA.
#pragma once

#include <memory>
#include <string>

#include "kernels/backend.h"
#include "kernels/cuda/gpu_stream.h"

namespace rlnas {

class CallLog;      // call_log.h
class NormPool;     // norm_pool.h
struct Stage;       // stage.h
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
  void* native_stream() override { return stream_; }
  std::unique_ptr<Readback> make_readback(std::size_t bytes) override;

  Element activation_type() const override;
  bool gains_by_normalising_inputs(const ConvSpec& spec) const override;
  bool gains_by_masking_once() const override { return norm_pool_ == nullptr; }
  std::size_t note_bytes(const ConvNormBackward& call) const override;

  using Backend::run;
  using Backend::workspace_bytes;
  std::size_t workspace_bytes(const ConvForward& call) override;
  std::size_t workspace_bytes(const ConvBackwardData& call) override;
  std::size_t workspace_bytes(const ConvBackwardWeights& call) override;
  std::size_t workspace_bytes(const BatchNormStatistics& call) override;
  std::size_t workspace_bytes(const BatchNormBackward& call) override;
  std::size_t workspace_bytes(const ConvNormForward& call) override;
  std::size_t workspace_bytes(const ConvNormBackward& call) override;
  std::size_t workspace_bytes(const ChannelDots& call) override;
  std::size_t workspace_bytes(const TakeGradientNorm& call) override;
  std::size_t workspace_bytes(const TakeAngleSums& call) override;
  RLNAS_PRIMITIVES(RLNAS_OVERRIDE_RUN)
  // Calls that were kept until now, as GraphCache::run says (GraphCapture::stages).
  void run_kept(const Stage& stage, int part, const CallLog& calls);

 private:
  void try_kernel();
  // Uploads of that size will come again: makes room for them.
  void expect_uploads(std::size_t bytes);
  bool norm_by_library(const BatchNormSpec& spec, Element element) const;
  std::size_t norm_workspace_bytes(const BatchNormSpec& spec, Element element) const;
  bool multiplies(const ConvSpec& spec) const;  // as a matrix product, by cuBLAS
  bool fuses(const ConvNormSpec& spec) const;   // or else composes it of others
  std::size_t data_gradient_workspace_bytes(const ConvSpec& spec, Element element, Store store);
  void data_gradient(const ConvBackwardData& call, Store store, Workspace workspace);

  CudaOptions options_;
  std::unique_ptr<CudaDevice> device_;
  GpuStream stream_ = nullptr;     // the one compute stream; device_ owns it
  unsigned* counters_ = nullptr;   // [kBlockCounters], zeros (last_block.cuh); device_ owns them
  NormPool* norm_pool_ = nullptr;  // null: own kernels; device_ owns it
};

}  // namespace rlnas
