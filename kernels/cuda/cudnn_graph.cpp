#include "kernels/cuda/cudnn_graph.h"

namespace rlnas {
namespace {

constexpr std::int64_t kPointerAlignment = 16;

// The attributes in which the operations of the three passes differ.
struct PassAttributes {
  cudnnBackendDescriptorType_t operation;
  cudnnBackendAttributeName_t x, w, y, convolution, alpha, beta;
};

PassAttributes attributes_of(ConvPass pass) {
  switch (pass) {
    case ConvPass::forward:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    case ConvPass::backward_data:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    case ConvPass::backward_weights:
      break;
  }
  return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
}

CudnnDescriptor conv_geometry(const ConvSpec& spec) {
  const auto both = [](int size) { return std::array<std::int64_t, 2>{size, size}; };
  const auto set_both = [&](CudnnDescriptor& descriptor, cudnnBackendAttributeName_t name, int size) {
    descriptor.set_all<std::int64_t>(name, both(size));
  };
  CudnnDescriptor geometry(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  geometry.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
  geometry.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
  geometry.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t{2});
  set_both(geometry, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, spec.padding);
  set_both(geometry, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, spec.padding);
  set_both(geometry, CUDNN_ATTR_CONVOLUTION_DILATIONS, spec.dilation);
  set_both(geometry, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, spec.stride);
  geometry.finalize("convolution geometry");
  return geometry;
}

}  // namespace

CudnnTensor nhwc_tensor(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w,
                        cudnnDataType_t type) {
  return {{n, c, h, w}, {h * w * c, 1, w * c, c}, type};
}

CudnnTensor filter_tensor(const ConvSpec& spec, FilterLayout layout, cudnnDataType_t type) {
  const std::int64_t k = spec.out_channels, c = spec.in_channels / spec.groups, r = spec.kernel;
  if (layout == FilterLayout::krsc) return nhwc_tensor(k, c, r, r, type);
  return {{k, c, r, r}, {c * r * r, r * r, r, 1}, type};
}

ConvTensors ConvTensors::of(const ConvSpec& spec, FilterLayout layout, cudnnDataType_t type) {
  return {nhwc_tensor(spec.batch, spec.in_channels, spec.in_height, spec.in_width, type),
          filter_tensor(spec, layout, type),
          nhwc_tensor(spec.batch, spec.out_channels, spec.out_height(), spec.out_width(), type)};
}

CudnnDescriptor cudnn_tensor(const CudnnTensor& tensor, std::int64_t id) {
  CudnnDescriptor descriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  descriptor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, tensor.type);
  descriptor.set_all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, tensor.sizes);
  descriptor.set_all<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES, tensor.strides);
  descriptor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id);
  descriptor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kPointerAlignment);
  descriptor.finalize("tensor");
  return descriptor;
}

CudnnDescriptor cudnn_graph(std::span<const CudnnDescriptor> operations) {
  CudnnDescriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph.set_all(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations);
  graph.finalize("operation graph");
  return graph;
}

CudnnDescriptor conv_graph(const ConvSpec& spec, ConvPass pass, const ConvTensors& tensors) {
  const PassAttributes attributes = attributes_of(pass);
  CudnnDescriptor operation(attributes.operation);
  operation.set(attributes.x, cudnn_tensor(tensors.x, std::int64_t(ConvTensorId::x)));
  operation.set(attributes.w, cudnn_tensor(tensors.w, std::int64_t(ConvTensorId::w)));
  operation.set(attributes.y, cudnn_tensor(tensors.y, std::int64_t(ConvTensorId::y)));
  operation.set(attributes.convolution, conv_geometry(spec));
  operation.set(attributes.alpha, 1.0);
  operation.set(attributes.beta, 0.0);
  operation.finalize("convolution operation");
  return cudnn_graph(std::span(&operation, 1));
}

}  // namespace rlnas
