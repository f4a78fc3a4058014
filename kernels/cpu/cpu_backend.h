// The CPU backend: oneDNN or Winograd for dense convolutions, own OpenMP kernels for everything else.
//
// One class over many files: the run() of a primitive is in the file of its subject (conv.cpp,
// batch_norm.cpp,
// ...). Convolutions go on to conv_engine.h, which picks the code that runs them; the others are the loops
// themselves. Work is cut into blocks that depend on the problem alone, never on the thread count, and
// partial results are added up in block order: every result is bit-equal for any number of threads.
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
  const void* host_view(const void* device) override { return device; }
  void synchronize() override {}

  bool gains_by_normalising_inputs(const ConvSpec&) const override { return true; }
  std::size_t note_bytes(const ConvNormBackward& call) const override;

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

 private:
  int threads_;
  ConvAlgorithm algorithm_;
  std::unique_ptr<ConvEngine> conv_;
  HostMemory memory_;
};

}  // namespace rlnas
