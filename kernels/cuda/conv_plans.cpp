#include "kernels/cuda/conv_plans.h"

#include "kernels/spec_checks.h"
#include "rlnas/recorded_call.hpp"

namespace rlnas {

std::string text_of(const ConvProblem& problem) {
  const RecordedCall call = cost_of_conv(problem.spec, problem.pass);
  return call.primitive + " " + call.shape + ", padding " + std::to_string(problem.spec.padding);
}

const CudnnPlan& ConvPlans::of(const ConvProblem& problem) {
  if (const auto found = found_.find(problem); found != found_.end()) return *found->second;
  check_spec(problem.spec);
  const CudnnPlan& plan = plans_.of(text_of(problem), [&] {
    const FilterLayout layout = filter_layout(problem.pass);
    return conv_graph(problem.spec, problem.pass,
                      ConvTensors::of(problem.spec, layout, conv_type(plans_.policy().precision)));
  });
  found_.emplace(problem, &plan);
  return plan;
}

}  // namespace rlnas
