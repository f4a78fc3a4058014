// The cuDNN plans of batch norm and average pooling, and which problems cuDNN is given at all. All its
// engines for them are compiled at run time, when a shape is first asked for.
//
// Own kernels stay where cuDNN 9.19 has nothing that keeps the backend's promises (from its plans for H100
// and A100, docs/cudnn_plans.md):
//   batch norm of channels that are no multiple of 4: no engine.
//   average pooling's gradient in plain fp32: its engines carry the tensor-core note.
//   the same added to what is there: no engine takes a beta, and the call has no workspace to add from.
//   maximum pooling: in plain fp32 no engine in either direction, for all carry the tensor-core note. With
//   tensor cores there are some, but what the index holds and who wins a tie is not documented, and both are
//   the interface's; without an index planning the gradient crashes.
// Pooling plans may need no workspace, for the calls have none: the policy refuses others.
#pragma once

#include <array>
#include <map>

#include "kernels/backend.h"
#include "kernels/cuda/cudnn_plans.h"

namespace rlnas {

class NormPoolPlans {
 public:
  // `before_planning` as in CudnnPlans. Errors: usage when the plan directory cannot be made.
  NormPoolPlans(
      const CudnnDevice& device, const CudaOptions& options,
      const std::function<void()>& before_planning = [] {});

  bool takes(const BatchNormSpec& spec) const;
  bool takes(const PoolSpec& spec, Direction direction, Store store) const;

  // Of a problem that is taken. Errors: run_failed for a spec that makes no sense; device when cuDNN has no
  // plan for it; data when the plan cannot be written to disk.
  const CudnnPlan& norm(const BatchNormSpec& spec, Direction direction);
  const CudnnPlan& average(const PoolSpec& spec, Direction direction);

 private:
  // What a graph is made of, in ints: looked up several times a layer, too often for a text.
  using NormKey = std::array<int, 3>;
  using PoolKey = std::array<int, 8>;

  Precision precision_;
  CudnnPlans norm_plans_, pool_plans_;
  std::map<NormKey, const CudnnPlan*> norms_;
  std::map<PoolKey, const CudnnPlan*> averages_;
};

}  // namespace rlnas
