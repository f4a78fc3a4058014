// Convolutions through cuDNN: plans, the buffers around them, execution on one stream. Dense and grouped
// ones; depthwise ones have kernels of their own (depthwise.cuh).
#pragma once

#include "kernels/cuda/conv_plans.h"
#include "kernels/cuda/cudnn_handle.h"

namespace rlnas {

// What a pass reads, by the letters of ConvSpec; gradients stand where the tensor itself would.
struct ConvInputs {
  ConstValues x = nullptr;          // [N,H,W,C]
  const float* w = nullptr;         // [K,C/g,R,S]
  ConstValues y = nullptr;          // [N,P,Q,K]
  const Bf16* rounded_w = nullptr;  // as w, where it is at hand
};

class CudnnConv {
 public:
  // On the current CUDA device; `before_planning` as in CudnnPlans. Errors: device when cuDNN cannot be
  // started.
  CudnnConv(
      const CudaOptions& options, GpuStream stream, std::function<void()> before_planning = [] {});

  // element: of x and y. Errors of both: run_failed for bf16 in another precision than that.
  std::size_t workspace_bytes(const ConvProblem& problem, Element element);
  // `result`: the tensor that the pass does not read. Async on the stream.
  void run(const ConvProblem& problem, const ConvInputs& inputs, Values result, Workspace workspace);

 private:
  Precision precision_;
  GpuStream stream_;
  ConvPlans plans_;
  CudnnHandle handle_;
};

}  // namespace rlnas
