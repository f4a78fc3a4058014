// The cuDNN plans of a backend's convolutions: made when first asked for, kept for the life of the backend
// and, where a directory is given, on disk, so that a second start of a run plans nothing.
//
// A plan file is named after its key and begins with it: problem, policy, cuDNN version and all properties of
// the device. A file that says anything else, or that cuDNN does not accept, is made anew.
#pragma once

#include <string>
#include <unordered_map>

#include "kernels/conv_problem.h"
#include "kernels/cuda/cudnn_graph.h"
#include "kernels/cuda/cudnn_plan.h"

namespace rlnas {

// "conv_forward [64,32,32,16] 3x3 s1 -> 16, padding 1"
std::string text_of(const ConvProblem& problem);

// In bf16 the graph's tensors are bfloat16; cuDNN has no engine that reads bfloat16 and writes float.
constexpr cudnnDataType_t conv_type(Precision precision) {
  return precision == Precision::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

class ConvPlans {
 public:
  // Errors: usage when the directory cannot be made.
  ConvPlans(CudnnDevice device, const PlanPolicy& policy, std::string directory);

  // Errors: run_failed for a spec that is no convolution; device when cuDNN has no plan for it; data when the
  // plan cannot be written to disk.
  const CudnnPlan& of(const ConvProblem& problem);
  bool has(const ConvProblem& problem) const { return plans_.contains(problem); }

  int made_count() const { return made_count_; }          // by cuDNN's heuristics
  int restored_count() const { return restored_count_; }  // from disk

 private:
  CudnnPlan make(const ConvProblem& problem);
  std::string key_of(const ConvProblem& problem) const;

  CudnnDevice device_;
  PlanPolicy policy_;
  std::string directory_;
  std::string common_key_;  // what the keys of all problems share
  std::unordered_map<ConvProblem, CudnnPlan, ConvProblemHash> plans_;
  int made_count_ = 0, restored_count_ = 0;
};

}  // namespace rlnas
