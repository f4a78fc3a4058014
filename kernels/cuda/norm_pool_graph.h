// The cuDNN operation graphs of batch norm and pooling. Tensors are numbered in the order of the comments
// below; activations are NHWC, a batch-norm matrix [M,C] is an image of one pixel.
#pragma once

#include "kernels/cuda/cudnn_graph.h"

namespace rlnas {

enum class PoolKind { average, maximum };

// Training-mode NORM_FORWARD: x [M,C], y [M,C], mean [C], inverse deviation [C], gamma [C], beta [C], epsilon
// (by value). No running statistics: what cuDNN would do with the variance of one row, and whether by M or
// M-1, it does not say.
CudnnDescriptor norm_forward_graph(const BatchNormSpec& spec);
// NORM_BACKWARD: x [M,C], dy [M,C], dx [M,C], mean [C], inverse deviation [C], gamma [C], dgamma [C], dbeta
// [C].
CudnnDescriptor norm_backward_graph(const BatchNormSpec& spec);
// RESAMPLE_FWD: x [N,H,W,C], y [N,P,Q,C], with a maximum index [N,P,Q,C]. Averages leave padding out.
CudnnDescriptor pool_forward_graph(const PoolSpec& spec, PoolKind kind);
// RESAMPLE_BWD: dx [N,H,W,C], dy [N,P,Q,C], with a maximum index [N,P,Q,C].
CudnnDescriptor pool_backward_graph(const PoolSpec& spec, PoolKind kind);

// ---- pieces, for graphs like these ----
CudnnTensor norm_rows(const BatchNormSpec& spec);      // [M,C]
CudnnTensor norm_channels(const BatchNormSpec& spec);  // [C]
CudnnTensor pool_input(const PoolSpec& spec);          // [N,H,W,C]
CudnnTensor pool_output(const PoolSpec& spec,
                        cudnnDataType_t type = CUDNN_DATA_FLOAT);  // [N,P,Q,C]
CudnnDescriptor pool_geometry(const PoolSpec& spec, PoolKind kind);

}  // namespace rlnas
