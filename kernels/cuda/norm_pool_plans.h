// The cuDNN graphs and plans of batch norm and average pooling, and which problems cuDNN is given at all
// (why no others: docs/architecture.md). All its engines for them are compiled at run time, when a shape is
// first asked for. Pooling plans may need no workspace, for the calls have none.
#pragma once

#include <array>
#include <map>

#include "kernels/backend.h"
#include "kernels/cuda/cudnn_graph.h"
#include "kernels/cuda/cudnn_plans.h"

namespace rlnas {

// Tensors are numbered in this order; activations are NHWC, a matrix [M,C] is an image of one pixel, all but
// activations is float. In training, forward: x [M,C], y [M,C], mean [C], inverse deviation [C], gamma [C],
// beta [C], epsilon (by value); no running statistics, for cuDNN does not say whether their variance is by M
// or M-1. Backward: x [M,C], dy [M,C], dx [M,C], mean, inverse deviation, gamma, dgamma, dbeta [C].
CudnnDescriptor norm_graph(const BatchNormSpec& spec, Direction direction, Element element);
// Forward: x [N,H,W,C], y [N,P,Q,C]. Backward: dx [N,H,W,C], dy [N,P,Q,C]. Averages leave padding out.
CudnnDescriptor average_graph(const PoolSpec& spec, Direction direction, Element element);
// A part of it.
CudnnDescriptor pool_geometry(const PoolSpec& spec, cudnnResampleMode_t mode, cudnnPaddingMode_t padding);

class NormPoolPlans {
 public:
  // `before_planning` as in CudnnPlans. Errors: usage when the plan directory cannot be made.
  NormPoolPlans(
      const CudnnDevice& device, const CudaOptions& options,
      const std::function<void()>& before_planning = [] {});

  bool takes(const BatchNormSpec& spec, Element element) const;
  bool takes(const PoolSpec& spec, Direction direction, Store store) const;

  // Of a problem that is taken. Errors: run_failed for a spec that makes no sense; device when cuDNN has no
  // plan for it; data when the plan cannot be written to disk.
  const CudnnPlan& norm(const BatchNormSpec& spec, Direction direction, Element element);
  const CudnnPlan& average(const PoolSpec& spec, Direction direction, Element element);

 private:
  Precision precision_;
  CudnnPlans norms_, averages_;
  // By what a graph is made of, in ints: looked up several times a layer, too often for a text.
  std::map<std::array<int, 9>, const CudnnPlan*> found_;
};

}  // namespace rlnas
