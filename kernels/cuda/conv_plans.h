// The cuDNN plans of a backend's convolutions, found by problem: several are looked up in every layer, too
// often to put a problem's text together each time.
#pragma once

#include "kernels/conv_problem.h"
#include "kernels/cuda/cudnn_graph.h"
#include "kernels/cuda/cudnn_plans.h"

namespace rlnas {

// "conv_forward [64,32,32,16] 3x3 s1 -> 16, padding 1"
std::string text_of(const ConvProblem& problem);

// In bf16 the graph's tensors are bfloat16; cuDNN has no engine that reads bfloat16 and writes float.
constexpr cudnnDataType_t conv_type(Precision precision) {
  return cudnn_type(precision == Precision::bf16 ? Element::bf16 : Element::f32);
}

// Errors: run_failed where activations are stored as cuDNN and cuBLAS would not multiply them.
inline void check_storage(Precision precision, Element element) {
  RLNAS_CHECK(element == Element::f32 || precision == Precision::bf16, run_failed,
              "convolution: values stored as bf16 need the precision bf16");
}

class ConvPlans {
 public:
  // As CudnnPlans.
  ConvPlans(
      CudnnDevice device, const PlanPolicy& policy, std::string directory,
      std::function<void()> before_planning = [] {})
      : plans_(std::move(device), policy, std::move(directory), std::move(before_planning)) {}

  // Errors: run_failed for a spec that is no convolution; device when cuDNN has no plan for it; data when the
  // plan cannot be written to disk.
  const CudnnPlan& of(const ConvProblem& problem);

  int made_count() const { return plans_.made_count(); }
  int restored_count() const { return plans_.restored_count(); }

 private:
  CudnnPlans plans_;
  std::unordered_map<ConvProblem, const CudnnPlan*, ConvProblemHash> found_;
};

}  // namespace rlnas
