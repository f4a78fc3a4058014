#include "kernels/cuda/norm_pool_graph.h"

#include "kernels/cuda/cudnn_operation.h"

namespace rlnas {

CudnnTensor norm_rows(const BatchNormSpec& spec) {
  return nhwc_tensor(spec.rows, spec.channels, 1, 1, CUDNN_DATA_FLOAT);
}

CudnnTensor norm_channels(const BatchNormSpec& spec) {
  return nhwc_tensor(1, spec.channels, 1, 1, CUDNN_DATA_FLOAT);
}

CudnnTensor pool_input(const PoolSpec& spec) {
  return nhwc_tensor(spec.batch, spec.channels, spec.in_height, spec.in_width, CUDNN_DATA_FLOAT);
}

CudnnTensor pool_output(const PoolSpec& spec, cudnnDataType_t type) {
  return nhwc_tensor(spec.batch, spec.channels, spec.out_height(), spec.out_width(), type);
}

CudnnDescriptor pool_geometry(const PoolSpec& spec, PoolKind kind) {
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

CudnnDescriptor norm_forward_graph(const BatchNormSpec& spec) {
  CudnnOperation norm(CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR);
  norm.set(CUDNN_ATTR_OPERATION_NORM_FWD_MODE, CUDNN_BATCH_NORM);
  norm.set(CUDNN_ATTR_OPERATION_NORM_FWD_PHASE, CUDNN_NORM_FWD_TRAINING);
  norm.tensor(CUDNN_ATTR_OPERATION_NORM_FWD_XDESC, norm_rows(spec));
  norm.tensor(CUDNN_ATTR_OPERATION_NORM_FWD_YDESC, norm_rows(spec));
  for (const auto name :
       {CUDNN_ATTR_OPERATION_NORM_FWD_MEAN_DESC, CUDNN_ATTR_OPERATION_NORM_FWD_INV_VARIANCE_DESC,
        CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC, CUDNN_ATTR_OPERATION_NORM_FWD_BIAS_DESC})
    norm.tensor(name, norm_channels(spec));
  norm.number(CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC);
  return norm.graph("batch norm forward");
}

CudnnDescriptor norm_backward_graph(const BatchNormSpec& spec) {
  CudnnOperation norm(CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR);
  norm.set(CUDNN_ATTR_OPERATION_NORM_BWD_MODE, CUDNN_BATCH_NORM);
  for (const auto name : {CUDNN_ATTR_OPERATION_NORM_BWD_XDESC, CUDNN_ATTR_OPERATION_NORM_BWD_DYDESC,
                          CUDNN_ATTR_OPERATION_NORM_BWD_DXDESC})
    norm.tensor(name, norm_rows(spec));
  for (const auto name :
       {CUDNN_ATTR_OPERATION_NORM_BWD_MEAN_DESC, CUDNN_ATTR_OPERATION_NORM_BWD_INV_VARIANCE_DESC,
        CUDNN_ATTR_OPERATION_NORM_BWD_SCALE_DESC, CUDNN_ATTR_OPERATION_NORM_BWD_DSCALE_DESC,
        CUDNN_ATTR_OPERATION_NORM_BWD_DBIAS_DESC})
    norm.tensor(name, norm_channels(spec));
  return norm.graph("batch norm backward");
}

CudnnDescriptor pool_forward_graph(const PoolSpec& spec, PoolKind kind) {
  CudnnOperation pool(CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR);
  pool.set(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_DESC, pool_geometry(spec, kind));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_XDESC, pool_input(spec));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_YDESC, pool_output(spec));
  if (kind == PoolKind::maximum)
    pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_IDXDESC, pool_output(spec, CUDNN_DATA_INT8));
  return pool.graph("pooling forward");
}

CudnnDescriptor pool_backward_graph(const PoolSpec& spec, PoolKind kind) {
  CudnnOperation pool(CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR);
  pool.set(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DESC, pool_geometry(spec, kind));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DXDESC, pool_input(spec));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DYDESC, pool_output(spec));
  if (kind == PoolKind::maximum)
    pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_IDXDESC, pool_output(spec, CUDNN_DATA_INT8));
  return pool.graph("pooling backward");
}

}  // namespace rlnas
