// From an operation graph to a plan: cuDNN's heuristics propose engine configurations, best first, and the
// first that keeps the promises of the policy and finalises is taken. A plan needs the properties of the
// device it is for, not the device: the same code plans on a machine without one (tests/cuda_plans).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kernels/backend.h"
#include "kernels/cuda/cudnn_descriptor.h"

namespace rlnas {

class CudnnDevice {
 public:
  // A device of this machine. Errors: device when the driver does not know it.
  static CudnnDevice of_index(int index);
  // From cuDNN's own JSON form of the properties. Errors: device when it is not that.
  static CudnnDevice of_json(const std::string& json);

  const CudnnDescriptor& descriptor() const { return descriptor_; }
  std::string json() const { return descriptor_.text(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION); }

 private:
  explicit CudnnDevice(CudnnDescriptor descriptor) : descriptor_(std::move(descriptor)) {}

  CudnnDescriptor descriptor_;
};

enum class RuntimeCompilation {
  avoid,  // precompiled engines alone: no NVRTC, plans in milliseconds
  allow,
};

// What a plan has to keep to.
struct PlanPolicy {
  Precision precision = Precision::fp32;
  Determinism determinism = Determinism::on;
  RuntimeCompilation runtime_compilation = RuntimeCompilation::avoid;
  std::size_t workspace_limit_bytes = std::size_t{256} << 20;
};

// What is known of an engine and its configuration.
struct PlanFacts {
  std::int64_t engine = -1;
  std::size_t workspace_bytes = 0;
  std::uint32_t numerical_notes = 0;  // bit i: cudnnBackendNumericalNote_t i
  std::uint32_t behavior_notes = 0;   // bit i: cudnnBackendBehaviorNote_t i

  bool has(cudnnBackendNumericalNote_t note) const { return (numerical_notes >> note & 1) != 0; }
  bool has(cudnnBackendBehaviorNote_t note) const { return (behavior_notes >> note & 1) != 0; }
};

// Why the policy refuses an engine, or nullptr.
const char* refusal(const PlanPolicy& policy, const PlanFacts& facts);

class CudnnPlan {
 public:
  // Errors: device when no engine finalises under the policy, with the reasons cuDNN or the policy had.
  static CudnnPlan make(const CudnnDescriptor& graph, const CudnnDevice& device, const PlanPolicy& policy);
  // The plan that json() described. Errors: device when it is damaged or was made for another device or
  // another cuDNN.
  static CudnnPlan restore(const std::string& json, const CudnnDevice& device);

  const CudnnDescriptor& descriptor() const { return descriptor_; }
  const PlanFacts& facts() const { return facts_; }
  std::string json() const { return descriptor_.text(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION); }

 private:
  CudnnPlan(CudnnDescriptor descriptor, PlanFacts facts)
      : descriptor_(std::move(descriptor)), facts_(facts) {}

  CudnnDescriptor descriptor_;
  PlanFacts facts_;
};

}  // namespace rlnas
