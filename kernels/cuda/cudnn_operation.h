// An operation of a cuDNN graph under construction: attributes are set by name, tensors numbered as they come
// (1, 2, ...), which is how a variant pack names the pointers.
#pragma once

#include "kernels/cuda/cudnn_graph.h"

namespace rlnas {

class CudnnOperation {
 public:
  explicit CudnnOperation(cudnnBackendDescriptorType_t type) : descriptor_(type) {}

  template <class T>
  void set(cudnnBackendAttributeName_t name, const T& value) {
    descriptor_.set(name, value);
  }
  void tensor(cudnnBackendAttributeName_t name, const CudnnTensor& tensor) {
    descriptor_.set(name, cudnn_tensor(tensor, next_id_++));
  }
  void tensors(const CudnnTensor& each, std::initializer_list<cudnnBackendAttributeName_t> names) {
    for (const cudnnBackendAttributeName_t name : names) tensor(name, each);
  }
  // A single float that comes with the call, by a host pointer, rather than from device memory.
  void number(cudnnBackendAttributeName_t name) {
    CudnnDescriptor descriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    constexpr std::array<std::int64_t, 4> kOnes = {1, 1, 1, 1};
    descriptor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_FLOAT);
    descriptor.set_all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS, kOnes);
    descriptor.set_all<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES, kOnes);
    descriptor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, next_id_++);
    descriptor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::int64_t{sizeof(float)});
    descriptor.set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, true);
    descriptor.finalize("number");
    descriptor_.set(name, descriptor);
  }
  // The graph of this operation alone.
  CudnnDescriptor graph(const char* name) {
    descriptor_.finalize(name);
    return cudnn_graph(std::span(&descriptor_, 1));
  }

 private:
  CudnnDescriptor descriptor_;
  std::int64_t next_id_ = 1;
};

}  // namespace rlnas
