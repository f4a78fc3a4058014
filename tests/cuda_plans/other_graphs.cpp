#include "tests/cuda_plans/other_graphs.h"

#include "kernels/cuda/cudnn_operation.h"

namespace rlnas::test {
namespace {

CudnnTensor pool_input(const PoolSpec& spec) {
  return nhwc_tensor(spec.batch, spec.channels, spec.in_height, spec.in_width, CUDNN_DATA_FLOAT);
}

CudnnTensor pool_output(const PoolSpec& spec, cudnnDataType_t type = CUDNN_DATA_FLOAT) {
  return nhwc_tensor(spec.batch, spec.channels, spec.out_height(), spec.out_width(), type);
}

CudnnDescriptor maximum(const PoolSpec& spec) {
  return pool_geometry(spec, CUDNN_RESAMPLE_MAXPOOL, CUDNN_NEG_INF_PAD);
}

}  // namespace

CudnnDescriptor statistics_graph(const BatchNormSpec& spec) {
  CudnnOperation statistics(CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR);
  statistics.set(CUDNN_ATTR_OPERATION_GENSTATS_MODE, CUDNN_GENSTATS_SUM_SQSUM);
  statistics.set(CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC, CUDNN_DATA_FLOAT);
  statistics.tensor(CUDNN_ATTR_OPERATION_GENSTATS_XDESC,
                    nhwc_tensor(spec.rows, spec.channels, 1, 1, CUDNN_DATA_FLOAT));
  statistics.tensors(nhwc_tensor(1, spec.channels, 1, 1, CUDNN_DATA_FLOAT),
                     {CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC, CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC});
  return statistics.graph("statistics");
}

CudnnDescriptor max_pool_graph(const PoolSpec& spec, Direction direction) {
  if (direction == Direction::forward) {
    CudnnOperation pool(CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR);
    pool.set(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_DESC, maximum(spec));
    pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_XDESC, pool_input(spec));
    pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_YDESC, pool_output(spec));
    pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_FWD_IDXDESC, pool_output(spec, CUDNN_DATA_INT8));
    return pool.graph("maximum pooling");
  }
  CudnnOperation pool(CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR);
  pool.set(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DESC, maximum(spec));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DXDESC, pool_input(spec));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DYDESC, pool_output(spec));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_IDXDESC, pool_output(spec, CUDNN_DATA_INT8));
  return pool.graph("maximum pooling's gradient");
}

CudnnDescriptor max_pool_gradient_without_index(const PoolSpec& spec) {
  CudnnOperation pool(CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR);
  pool.set(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DESC, maximum(spec));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DXDESC, pool_input(spec));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DYDESC, pool_output(spec));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_XDESC, pool_input(spec));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_YDESC, pool_output(spec));
  return pool.graph("maximum pooling's gradient");
}

}  // namespace rlnas::test
