// cuDNN plans: made when first asked for, kept as long as this object and, where a directory is given, on
// disk, so that a second start of a run plans nothing.
//
// A plan file is named after its key and begins with it: problem, policy, cuDNN version and all properties of
// the device. A file that says anything else, or that cuDNN does not accept, is made anew.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "kernels/cuda/cudnn_plan.h"

namespace rlnas {

class CudnnPlans {
 public:
  // `before_planning` is called each time before a plan is made or restored: that loads code and may compile
  // it, which no stream that is captured should see. Errors: usage when the directory cannot be made.
  CudnnPlans(
      CudnnDevice device, const PlanPolicy& policy, std::string directory,
      std::function<void()> before_planning = [] {});

  // `problem` says in one line what the graph computes. The plan stays where it is. Errors: device when cuDNN
  // has no plan for it; data when the plan cannot be written to disk.
  const CudnnPlan& of(const std::string& problem, const std::function<CudnnDescriptor()>& graph);

  const PlanPolicy& policy() const { return policy_; }
  int made_count() const { return made_count_; }          // by cuDNN's heuristics
  int restored_count() const { return restored_count_; }  // from disk

 private:
  CudnnPlan make(const std::string& problem, const std::function<CudnnDescriptor()>& graph);

  CudnnDevice device_;
  PlanPolicy policy_;
  std::string directory_;
  std::function<void()> before_planning_;
  std::string common_key_;  // what the keys of all problems share
  std::unordered_map<std::string, CudnnPlan> plans_;
  int made_count_ = 0, restored_count_ = 0;
};

}  // namespace rlnas
