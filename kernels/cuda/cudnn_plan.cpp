#include "kernels/cuda/cudnn_plan.h"

#include <utility>

namespace rlnas {
namespace {

constexpr std::int64_t kNotesCapacity = 32;

template <class Note>
std::uint32_t notes(const CudnnDescriptor& engine, cudnnBackendAttributeName_t name) {
  std::uint32_t bits = 0;
  for (const Note note : engine.values<Note>(name, kNotesCapacity)) bits |= std::uint32_t{1} << note;
  return bits;
}

// Everything but the workspace, which a configuration tells when it is finalised as a plan.
PlanFacts engine_facts(const CudnnDescriptor& configuration) {
  const CudnnDescriptor engine =
      configuration.parts(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR).at(0);
  PlanFacts facts;
  facts.engine = engine.value<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
  facts.numerical_notes = notes<cudnnBackendNumericalNote_t>(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE);
  facts.behavior_notes = notes<cudnnBackendBehaviorNote_t>(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE);
  return facts;
}

std::size_t workspace_bytes(const CudnnDescriptor& plan) {
  return std::size_t(plan.value<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE));
}

// Proposals, best first. None when cuDNN has no engine for the graph on this device.
std::vector<CudnnDescriptor> configurations(const CudnnDescriptor& graph, const CudnnDevice& device,
                                            cudnnBackendHeurMode_t mode) {
  CudnnDescriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, device.descriptor());
  if (heuristics.try_finalize() != CUDNN_STATUS_SUCCESS) return {};
  return heuristics.parts(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
}

// The reasons why proposals were passed over, for the message when none is left.
class Refusals {
 public:
  void add(const PlanFacts& facts, const char* reason) {
    if (count_++ < kShown) text_ += "; engine " + std::to_string(facts.engine) + ": " + reason;
  }
  std::string text() const {
    return std::to_string(count_) + (count_ == 1 ? " engine configuration" : " engine configurations") +
           " proposed" + text_ + (count_ > kShown ? "; ..." : "");
  }

 private:
  static constexpr int kShown = 4;
  int count_ = 0;
  std::string text_;
};

}  // namespace

CudnnDevice CudnnDevice::of_index(int index) {
  CudnnDescriptor descriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  descriptor.set(CUDNN_ATTR_DEVICEPROP_DEVICE_ID, std::int32_t{index});
  descriptor.finalize("properties of CUDA device " + std::to_string(index));
  return CudnnDevice(std::move(descriptor));
}

CudnnDevice CudnnDevice::of_json(const std::string& json) {
  CudnnDescriptor descriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  descriptor.set_all<char>(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, json);
  descriptor.finalize("device properties from JSON");
  return CudnnDevice(std::move(descriptor));
}

const char* refusal(const PlanPolicy& policy, const PlanFacts& facts) {
  if (policy.determinism == Determinism::on && facts.has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC))
    return "not deterministic";
  if (policy.precision == Precision::fp32 && facts.has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE))
    return "tensor cores are no plain fp32";
  if (facts.has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS)) return "rounds its inputs further";
  if (facts.has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION)) return "does not add up in fp32";
  if (policy.runtime_compilation == RuntimeCompilation::avoid &&
      facts.has(CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION))
    return "would be compiled at run time";
  if (facts.workspace_bytes > policy.workspace_limit_bytes) return "needs more workspace than the limit";
  return nullptr;
}

CudnnPlan CudnnPlan::make(const CudnnDescriptor& graph, const CudnnDevice& device, const PlanPolicy& policy) {
  Refusals refusals;
  for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK})
    for (const CudnnDescriptor& configuration : configurations(graph, device, mode)) {
      PlanFacts facts = engine_facts(configuration);
      if (const char* const reason = refusal(policy, facts)) {
        refusals.add(facts, reason);
        continue;
      }
      CudnnDescriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, device.descriptor());
      if (const cudnnStatus_t status = plan.try_finalize(); status != CUDNN_STATUS_SUCCESS) {
        refusals.add(facts, cudnnGetErrorString(status));
        continue;
      }
      facts.workspace_bytes = workspace_bytes(plan);
      if (const char* const reason = refusal(policy, facts)) {
        refusals.add(facts, reason);
        continue;
      }
      return CudnnPlan(std::move(plan), facts);
    }
  fail(ErrorCode::device, "cuDNN has no plan for this operation on this device: ", refusals.text());
}

CudnnPlan CudnnPlan::restore(const std::string& json, const CudnnDevice& device) {
  CudnnDescriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, device.descriptor());
  plan.set_all<char>(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, json);
  plan.finalize("restoring a plan");
  PlanFacts facts = engine_facts(
      plan.parts(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR).at(0));
  facts.workspace_bytes = workspace_bytes(plan);
  return CudnnPlan(std::move(plan), facts);
}

}  // namespace rlnas
