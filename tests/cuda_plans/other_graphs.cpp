#include "tests/cuda_plans/other_graphs.h"

namespace rlnas::test {
namespace {

// Tensors of one operation, numbered as they come.
class Operation {
 public:
  explicit Operation(cudnnBackendDescriptorType_t type) : descriptor_(type) {}

  template <class T>
  void set(cudnnBackendAttributeName_t name, const T& value) {
    descriptor_.set(name, value);
  }
  void tensor(cudnnBackendAttributeName_t name, const CudnnTensor& tensor) {
    descriptor_.set(name, cudnn_tensor(tensor, next_id_++));
  }
  // A single number that comes with the call rather than from device memory.
  void number(cudnnBackendAttributeName_t name) {
    CudnnDescriptor descriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    constexpr std::array<std::int64_t, 4> kOnes = {1, 1, 1, 1};
    descriptor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_FLOAT);
    descriptor.set_all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, kOnes);
    descriptor.set_all<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES, kOnes);
    descriptor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, next_id_++);
    descriptor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::int64_t{4});
    descriptor.set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, true);
    descriptor.finalize("number");
    descriptor_.set(name, descriptor);
  }
  CudnnDescriptor graph(const char* name) {
    descriptor_.finalize(name);
    return cudnn_graph(std::span(&descriptor_, 1));
  }

 private:
  CudnnDescriptor descriptor_;
  std::int64_t next_id_ = 1;
};

CudnnTensor rows(const BatchNormSpec& spec, cudnnDataType_t type) {
  return nhwc_tensor(spec.rows, spec.channels, 1, 1, type);
}

CudnnTensor per_channel(const BatchNormSpec& spec) {
  return nhwc_tensor(1, spec.channels, 1, 1, CUDNN_DATA_FLOAT);
}

CudnnTensor pool_input(const PoolSpec& spec, cudnnDataType_t type) {
  return nhwc_tensor(spec.batch, spec.channels, spec.in_height, spec.in_width, type);
}

CudnnTensor pool_output(const PoolSpec& spec, cudnnDataType_t type) {
  return nhwc_tensor(spec.batch, spec.channels, spec.out_height(), spec.out_width(), type);
}

CudnnDescriptor resampling(const PoolSpec& spec, PoolKind kind) {
  const bool maximum = kind == PoolKind::maximum;
  CudnnDescriptor descriptor(CUDNN_BACKEND_RESAMPLE_DESCRIPTOR);
  const auto set_both = [&](cudnnBackendAttributeName_t name, int size) {
    const std::array<cudnnFraction_t, 2> both = {cudnnFraction_t{size, 1}, cudnnFraction_t{size, 1}};
    descriptor.set_all<cudnnFraction_t>(name, both);
  };
  descriptor.set(CUDNN_ATTR_RESAMPLE_MODE,
                 maximum ? CUDNN_RESAMPLE_MAXPOOL : CUDNN_RESAMPLE_AVGPOOL_EXCLUDE_PADDING);
  descriptor.set(CUDNN_ATTR_RESAMPLE_COMP_TYPE, CUDNN_DATA_FLOAT);
  descriptor.set(CUDNN_ATTR_RESAMPLE_PADDING_MODE, maximum ? CUDNN_NEG_INF_PAD : CUDNN_ZERO_PAD);
  descriptor.set(CUDNN_ATTR_RESAMPLE_SPATIAL_DIMS, std::int64_t{2});
  set_both(CUDNN_ATTR_RESAMPLE_WINDOW_DIMS, spec.kernel);
  set_both(CUDNN_ATTR_RESAMPLE_STRIDES, spec.stride);
  set_both(CUDNN_ATTR_RESAMPLE_PRE_PADDINGS, spec.padding);
  set_both(CUDNN_ATTR_RESAMPLE_POST_PADDINGS, spec.padding);
  descriptor.finalize("resampling");
  return descriptor;
}

CudnnDescriptor norm_forward_graph(const BatchNormSpec& spec, cudnnDataType_t type) {
  Operation norm(CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR);
  norm.set(CUDNN_ATTR_OPERATION_NORM_FWD_MODE, CUDNN_BATCH_NORM);
  norm.set(CUDNN_ATTR_OPERATION_NORM_FWD_PHASE, CUDNN_NORM_FWD_TRAINING);
  norm.tensor(CUDNN_ATTR_OPERATION_NORM_FWD_XDESC, rows(spec, type));
  norm.tensor(CUDNN_ATTR_OPERATION_NORM_FWD_YDESC, rows(spec, type));
  for (const auto name :
       {CUDNN_ATTR_OPERATION_NORM_FWD_MEAN_DESC, CUDNN_ATTR_OPERATION_NORM_FWD_INV_VARIANCE_DESC,
        CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC, CUDNN_ATTR_OPERATION_NORM_FWD_BIAS_DESC,
        CUDNN_ATTR_OPERATION_NORM_FWD_INPUT_RUNNING_MEAN_DESC,
        CUDNN_ATTR_OPERATION_NORM_FWD_INPUT_RUNNING_VAR_DESC,
        CUDNN_ATTR_OPERATION_NORM_FWD_OUTPUT_RUNNING_MEAN_DESC,
        CUDNN_ATTR_OPERATION_NORM_FWD_OUTPUT_RUNNING_VAR_DESC})
    norm.tensor(name, per_channel(spec));
  norm.number(CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC);
  norm.number(CUDNN_ATTR_OPERATION_NORM_FWD_EXP_AVG_FACTOR_DESC);
  return norm.graph("batch norm forward");
}

CudnnDescriptor norm_backward_graph(const BatchNormSpec& spec, cudnnDataType_t type) {
  Operation norm(CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR);
  norm.set(CUDNN_ATTR_OPERATION_NORM_BWD_MODE, CUDNN_BATCH_NORM);
  for (const auto name : {CUDNN_ATTR_OPERATION_NORM_BWD_XDESC, CUDNN_ATTR_OPERATION_NORM_BWD_DYDESC,
                          CUDNN_ATTR_OPERATION_NORM_BWD_DXDESC})
    norm.tensor(name, rows(spec, type));
  for (const auto name :
       {CUDNN_ATTR_OPERATION_NORM_BWD_MEAN_DESC, CUDNN_ATTR_OPERATION_NORM_BWD_INV_VARIANCE_DESC,
        CUDNN_ATTR_OPERATION_NORM_BWD_SCALE_DESC, CUDNN_ATTR_OPERATION_NORM_BWD_DSCALE_DESC,
        CUDNN_ATTR_OPERATION_NORM_BWD_DBIAS_DESC})
    norm.tensor(name, per_channel(spec));
  return norm.graph("batch norm backward");
}

}  // namespace

CudnnDescriptor statistics_graph(const BatchNormSpec& spec, cudnnDataType_t type) {
  Operation statistics(CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR);
  statistics.set(CUDNN_ATTR_OPERATION_GENSTATS_MODE, CUDNN_GENSTATS_SUM_SQSUM);
  statistics.set(CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC, CUDNN_DATA_FLOAT);
  statistics.tensor(CUDNN_ATTR_OPERATION_GENSTATS_XDESC, rows(spec, type));
  statistics.tensor(CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC, per_channel(spec));
  statistics.tensor(CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC, per_channel(spec));
  return statistics.graph("statistics");
}

CudnnDescriptor norm_graph(const NormProblem& problem, cudnnDataType_t type) {
  return problem.direction == Direction::forward ? norm_forward_graph(problem.spec, type)
                                                 : norm_backward_graph(problem.spec, type);
}

CudnnDescriptor pool_graph(const PoolProblem& problem, cudnnDataType_t type) {
  const PoolSpec& spec = problem.spec;
  const bool maximum = problem.kind == PoolKind::maximum;
  if (problem.direction == Direction::forward) {
    Operation pool(CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR);
    pool.set(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_DESC, resampling(spec, problem.kind));
    pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_XDESC, pool_input(spec, type));
    pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_YDESC, pool_output(spec, type));
    if (maximum) pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_IDXDESC, pool_output(spec, CUDNN_DATA_INT8));
    return pool.graph("pooling forward");
  }
  Operation pool(CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR);
  pool.set(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DESC, resampling(spec, problem.kind));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DXDESC, pool_input(spec, type));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DYDESC, pool_output(spec, type));
  if (maximum) pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_IDXDESC, pool_output(spec, CUDNN_DATA_INT8));
  return pool.graph("pooling backward");
}

CudnnDescriptor max_pool_gradient_without_index(const PoolSpec& spec, cudnnDataType_t type) {
  Operation pool(CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR);
  pool.set(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DESC, resampling(spec, PoolKind::maximum));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DXDESC, pool_input(spec, type));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DYDESC, pool_output(spec, type));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_XDESC, pool_input(spec, type));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_YDESC, pool_output(spec, type));
  return pool.graph("pooling backward");
}

}  // namespace rlnas::test
