// The cuDNN operation graph of a convolution pass.
//
// Activations are NHWC. The filter lies OIHW in the flat weight buffer, and what cuDNN makes of that was read
// off the plans it offers in plain fp32 (docs/cudnn_plans.md, cuDNN 9.19, H100 and A100):
//   forward, data gradient: OIHW. The fp32 engines either read such a filter in place (engine 28, no
//     workspace) or transpose everything to NCHW, where OIHW is what they want; a KRSC filter only adds its
//     own transposition, and loses engine 28 where the filter is dilated. Tensor-core engines reorder the
//     small filter themselves.
//   weight gradient: KRSC. There engine 1 reads NHWC activations in place (8 to 300 bytes of workspace), but
//     with OIHW results it transposes an activation of 1 to 4 MiB first. The gradient, a few KiB, is
//     permuted to OIHW by filter_layout.cuh.
#pragma once

#include <array>
#include <vector>

#include "kernels/cuda/cudnn_descriptor.h"
#include "rlnas/spec.hpp"
#include "rlnas/values.hpp"

namespace rlnas {

enum class FilterLayout {
  oihw,  // [K,C/g,R,S] in memory
  krsc,  // [K,R,S,C/g]
};

constexpr FilterLayout filter_layout(ConvPass pass) {
  return pass == ConvPass::backward_weights ? FilterLayout::krsc : FilterLayout::oihw;
}

// Whether the two layouts of this convolution's filter differ in memory.
constexpr bool filter_layouts_differ(const ConvSpec& spec) {
  return spec.kernel > 1 && spec.in_channels > spec.groups;
}

// A tensor of a graph: logical sizes and strides in elements, in cuDNN's order N,C,H,W (filters K,C/g,R,S).
struct CudnnTensor {
  std::array<std::int64_t, 4> sizes{};
  std::array<std::int64_t, 4> strides{};
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
};

constexpr cudnnDataType_t cudnn_type(Element element) {
  return element == Element::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

CudnnTensor nhwc_tensor(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, cudnnDataType_t type);
CudnnTensor filter_tensor(const ConvSpec& spec, FilterLayout layout, cudnnDataType_t type);

// What the pointers of a variant pack are called. One naming for the three passes: the result of a pass is
// the tensor that it does not read.
enum class ConvTensorId : std::int64_t { x = 1, w, y };

struct ConvTensors {
  CudnnTensor x, w, y;  // or their gradients

  static ConvTensors of(const ConvSpec& spec, FilterLayout layout, cudnnDataType_t type);
};

// A finalised tensor descriptor. Every pointer the backend passes is aligned to 16 bytes at least.
CudnnDescriptor cudnn_tensor(const CudnnTensor& tensor, std::int64_t id);

// A finalised operation graph. Errors: device with cuDNN's reason when the operations do not fit together.
CudnnDescriptor cudnn_graph(std::span<const CudnnDescriptor> operations);
// Of one convolution pass; sums are kept in float.
CudnnDescriptor conv_graph(const ConvSpec& spec, ConvPass pass, const ConvTensors& tensors);

}  // namespace rlnas
