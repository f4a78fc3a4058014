#include "kernels/cuda/norm_pool_plans.h"

#include "kernels/cuda/norm_pool_graph.h"
#include "kernels/spec_checks.h"
#include "rlnas/recorded_call.hpp"

namespace rlnas {
namespace {

constexpr int kChannelMultiple = 4;  // 16 bytes

PlanPolicy policy_of(const CudaOptions& options, Precision precision, std::size_t workspace_limit_bytes) {
  return {.precision = precision,
          .determinism = options.determinism,
          .runtime_compilation = RuntimeCompilation::allow,
          .workspace_limit_bytes = workspace_limit_bytes};
}

const CudnnPlan& plan_of(CudnnPlans& plans, const std::string& problem,
                         const std::function<CudnnDescriptor()>& graph) {
  try {
    return plans.of(problem, graph);
  } catch (const Error& error) {
    fail(error.code(), error.what(), "; --norm-and-pool own needs none");
  }
}

}  // namespace

NormPoolPlans::NormPoolPlans(const CudnnDevice& device, const CudaOptions& options,
                             const std::function<void()>& before_planning)
    : precision_(options.precision),
      norm_plans_(device, policy_of(options, Precision::fp32, PlanPolicy{}.workspace_limit_bytes),
                  options.plan_directory, before_planning),
      pool_plans_(device, policy_of(options, options.precision, 0), options.plan_directory, before_planning) {
}

bool NormPoolPlans::takes(const BatchNormSpec& spec) const {
  return spec.channels % kChannelMultiple == 0;
}

bool NormPoolPlans::takes(const PoolSpec&, Direction direction, Store store) const {
  return direction == Direction::forward || (precision_ != Precision::fp32 && store == Store::overwrite);
}

const CudnnPlan& NormPoolPlans::norm(const BatchNormSpec& spec, Direction direction) {
  const bool forward = direction == Direction::forward;
  const CudnnPlan*& plan = norms_[{spec.rows, spec.channels, forward}];
  if (plan != nullptr) return *plan;
  check_spec(spec);
  const RecordedCall call =
      forward ? BatchNormStatistics{.spec = spec}.cost() : BatchNormBackward{.spec = spec}.cost();
  plan = &plan_of(norm_plans_, call.primitive + " " + call.shape,
                  [&] { return forward ? norm_forward_graph(spec) : norm_backward_graph(spec); });
  return *plan;
}

const CudnnPlan& NormPoolPlans::average(const PoolSpec& spec, Direction direction) {
  const bool forward = direction == Direction::forward;
  const CudnnPlan*& plan = averages_[{spec.batch, spec.channels, spec.in_height, spec.in_width, spec.kernel,
                                      spec.stride, spec.padding, forward}];
  if (plan != nullptr) return *plan;
  check_spec(spec);
  const RecordedCall call =
      forward ? AvgPoolForward{.spec = spec}.cost() : AvgPoolBackward{.spec = spec}.cost();
  plan = &plan_of(pool_plans_,
                  call.primitive + " " + call.shape + ", padding " + std::to_string(spec.padding), [&] {
                    return forward ? pool_forward_graph(spec, PoolKind::average)
                                   : pool_backward_graph(spec, PoolKind::average);
                  });
  return *plan;
}

}  // namespace rlnas
