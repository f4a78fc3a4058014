#include "tests/cuda_plans/other_graphs.h"

#include "kernels/cuda/cudnn_operation.h"

namespace rlnas::test {

CudnnDescriptor statistics_graph(const BatchNormSpec& spec) {
  CudnnOperation statistics(CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR);
  statistics.set(CUDNN_ATTR_OPERATION_GENSTATS_MODE, CUDNN_GENSTATS_SUM_SQSUM);
  statistics.set(CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC, CUDNN_DATA_FLOAT);
  statistics.tensor(CUDNN_ATTR_OPERATION_GENSTATS_XDESC, norm_rows(spec));
  statistics.tensor(CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC, norm_channels(spec));
  statistics.tensor(CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC, norm_channels(spec));
  return statistics.graph("statistics");
}

CudnnDescriptor max_pool_gradient_without_index(const PoolSpec& spec) {
  CudnnOperation pool(CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR);
  pool.set(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DESC, pool_geometry(spec, PoolKind::maximum));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DXDESC, pool_input(spec));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DYDESC, pool_output(spec));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_XDESC, pool_input(spec));
  pool.tensor(CUDNN_ATTR_OPERATION_RESAMPLE_BWD_YDESC, pool_output(spec));
  return pool.graph("pooling backward");
}

}  // namespace rlnas::test
