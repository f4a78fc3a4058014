// Planning in a child process: cuDNN can crash while it plans (a max-pool gradient without an index does),
// and one such graph must not take the others with it.
#pragma once

#include <functional>
#include <string>

#include "kernels/cuda/cudnn_plan.h"

namespace rlnas::test {

struct PlanOutcome {
  bool planned = false;
  PlanFacts facts;      // when planned
  std::string failure;  // otherwise: what cuDNN said, or "crashed with signal 11"
};

PlanOutcome plan_in_child(const std::function<CudnnPlan()>& make);

}  // namespace rlnas::test
