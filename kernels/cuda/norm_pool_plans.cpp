#include "kernels/cuda/norm_pool_plans.h"

#include "kernels/cuda/cudnn_operation.h"
#include "kernels/spec_checks.h"
#include "rlnas/recorded_call.hpp"

namespace rlnas {
namespace {

constexpr std::size_t kRowBytes = 16;  // of a norm are a multiple of this

PlanPolicy policy_of(const CudaOptions& options, Precision precision, std::size_t workspace_limit_bytes) {
  return {.precision = precision,
          .determinism = options.determinism,
          .runtime_compilation = RuntimeCompilation::allow,
          .workspace_limit_bytes = workspace_limit_bytes};
}

const CudnnPlan* plan_of(CudnnPlans& plans, const std::string& problem, Element element,
                         const std::function<CudnnDescriptor()>& graph) {
  try {
    return &plans.of(problem + (element == Element::bf16 ? ", bf16" : ""), graph);
  } catch (const Error& error) {
    fail(error.code(), error.what(), "; --norm-and-pool own needs none");
  }
}

}  // namespace

CudnnDescriptor norm_graph(const BatchNormSpec& spec, Direction direction, Element element) {
  const CudnnTensor rows = nhwc_tensor(spec.rows, spec.channels, 1, 1, cudnn_type(element)),
                    channels = nhwc_tensor(1, spec.channels, 1, 1, CUDNN_DATA_FLOAT);
  if (direction == Direction::forward) {
    CudnnOperation norm(CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR);
    norm.set(CUDNN_ATTR_OPERATION_NORM_FWD_MODE, CUDNN_BATCH_NORM);
    norm.set(CUDNN_ATTR_OPERATION_NORM_FWD_PHASE, CUDNN_NORM_FWD_TRAINING);
    norm.tensors(rows, {CUDNN_ATTR_OPERATION_NORM_FWD_XDESC, CUDNN_ATTR_OPERATION_NORM_FWD_YDESC});
    norm.tensors(channels,
                 {CUDNN_ATTR_OPERATION_NORM_FWD_MEAN_DESC, CUDNN_ATTR_OPERATION_NORM_FWD_INV_VARIANCE_DESC,
                  CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC, CUDNN_ATTR_OPERATION_NORM_FWD_BIAS_DESC});
    norm.number(CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC);
    return norm.graph("batch norm forward");
  }
  CudnnOperation norm(CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR);
  norm.set(CUDNN_ATTR_OPERATION_NORM_BWD_MODE, CUDNN_BATCH_NORM);
  norm.tensors(rows, {CUDNN_ATTR_OPERATION_NORM_BWD_XDESC, CUDNN_ATTR_OPERATION_NORM_BWD_DYDESC,
                      CUDNN_ATTR_OPERATION_NORM_BWD_DXDESC});
  norm.tensors(channels,
               {CUDNN_ATTR_OPERATION_NORM_BWD_MEAN_DESC, CUDNN_ATTR_OPERATION_NORM_BWD_INV_VARIANCE_DESC,
                CUDNN_ATTR_OPERATION_NORM_BWD_SCALE_DESC, CUDNN_ATTR_OPERATION_NORM_BWD_DSCALE_DESC,
                CUDNN_ATTR_OPERATION_NORM_BWD_DBIAS_DESC});
  return norm.graph("batch norm backward");
}

CudnnDescriptor pool_geometry(const PoolSpec& spec, cudnnResampleMode_t mode, cudnnPaddingMode_t padding) {
  CudnnDescriptor descriptor(CUDNN_BACKEND_RESAMPLE_DESCRIPTOR);
  descriptor.set(CUDNN_ATTR_RESAMPLE_MODE, mode);
  descriptor.set(CUDNN_ATTR_RESAMPLE_COMP_TYPE, CUDNN_DATA_FLOAT);
  descriptor.set(CUDNN_ATTR_RESAMPLE_PADDING_MODE, padding);
  descriptor.set(CUDNN_ATTR_RESAMPLE_SPATIAL_DIMS, std::int64_t{2});
  for (const auto& [name, size] : {std::pair{CUDNN_ATTR_RESAMPLE_WINDOW_DIMS, spec.kernel},
                                   {CUDNN_ATTR_RESAMPLE_STRIDES, spec.stride},
                                   {CUDNN_ATTR_RESAMPLE_PRE_PADDINGS, spec.padding},
                                   {CUDNN_ATTR_RESAMPLE_POST_PADDINGS, spec.padding}}) {
    const std::array<cudnnFraction_t, 2> both = {cudnnFraction_t{size, 1}, cudnnFraction_t{size, 1}};
    descriptor.set_all<cudnnFraction_t>(name, both);
  }
  descriptor.finalize("resampling");
  return descriptor;
}

CudnnDescriptor average_graph(const PoolSpec& spec, Direction direction, Element element) {
  const bool forward = direction == Direction::forward;
  CudnnOperation pool(forward ? CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR
                              : CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR);
  pool.set(forward ? CUDNN_ATTR_OPERATION_RESAMPLE_FWD_DESC : CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DESC,
           pool_geometry(spec, CUDNN_RESAMPLE_AVGPOOL_EXCLUDE_PADDING, CUDNN_ZERO_PAD));
  pool.tensor(forward ? CUDNN_ATTR_OPERATION_RESAMPLE_FWD_XDESC : CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DXDESC,
              nhwc_tensor(spec.batch, spec.channels, spec.in_height, spec.in_width, cudnn_type(element)));
  pool.tensor(
      forward ? CUDNN_ATTR_OPERATION_RESAMPLE_FWD_YDESC : CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DYDESC,
      nhwc_tensor(spec.batch, spec.channels, spec.out_height(), spec.out_width(), cudnn_type(element)));
  return pool.graph("average pooling");
}

NormPoolPlans::NormPoolPlans(const CudnnDevice& device, const CudaOptions& options,
                             const std::function<void()>& before_planning)
    : precision_(options.precision),
      norms_(device, policy_of(options, Precision::fp32, PlanPolicy{}.workspace_limit_bytes),
             options.plan_directory, before_planning),
      averages_(device, policy_of(options, options.precision, 0), options.plan_directory, before_planning) {}

bool NormPoolPlans::takes(const BatchNormSpec& spec, Element element) const {
  return std::size_t(spec.channels) * size_of(element) % kRowBytes == 0;
}

bool NormPoolPlans::takes(const PoolSpec&, Direction direction, Store store) const {
  return direction == Direction::forward || (precision_ != Precision::fp32 && store == Store::overwrite);
}

const CudnnPlan& NormPoolPlans::norm(const BatchNormSpec& spec, Direction direction, Element element) {
  const CudnnPlan*& plan = found_[{int(direction), int(element), spec.rows, spec.channels}];
  if (plan != nullptr) return *plan;
  check_spec(spec);
  const RecordedCall call = direction == Direction::forward ? BatchNormStatistics{.spec = spec}.cost()
                                                            : BatchNormBackward{.spec = spec}.cost();
  plan = plan_of(norms_, call.primitive + " " + call.shape, element,
                 [&] { return norm_graph(spec, direction, element); });
  return *plan;
}

const CudnnPlan& NormPoolPlans::average(const PoolSpec& spec, Direction direction, Element element) {
  const CudnnPlan*& plan = found_[{int(direction), int(element), spec.batch, spec.channels, spec.in_height,
                                   spec.in_width, spec.kernel, spec.stride, spec.padding}];
  if (plan != nullptr) return *plan;
  check_spec(spec);
  const RecordedCall call = direction == Direction::forward ? AvgPoolForward{.spec = spec}.cost()
                                                            : AvgPoolBackward{.spec = spec}.cost();
  plan = plan_of(averages_, call.primitive + " " + call.shape + ", padding " + std::to_string(spec.padding),
                 element, [&] { return average_graph(spec, direction, element); });
  return *plan;
}

}  // namespace rlnas
