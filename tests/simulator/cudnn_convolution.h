// A convolution as cuDNN's descriptors say it, run on the host: what cudnnBackendExecute does on the
// simulated device. Sums are kept in double and rounded once. Other operations are not simulated, for the
// backend has own kernels for them.
#pragma once

#include <cudnn.h>

#include <array>
#include <cstdint>
#include <string>

namespace rlnas::simulator {

struct ConvolutionTensor {
  std::int64_t id = 0;
  std::array<std::int64_t, 4> sizes{};    // N,C,H,W; a filter's K,C/g,R,S
  std::array<std::int64_t, 4> strides{};  // in elements
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::int64_t alignment = 1;  // in bytes

  std::size_t element_bytes() const { return type == CUDNN_DATA_FLOAT ? 4 : 2; }
  std::size_t bytes() const;  // from the first element to the end of the last
};

enum class ConvolutionResult { x, w, y };  // data gradient, weight gradient, forward

struct Convolution {
  ConvolutionResult result = ConvolutionResult::y;
  ConvolutionTensor x, w, y;
  std::array<std::int64_t, 2> padding{}, stride{}, dilation{};

  std::int64_t groups() const { return x.sizes[1] / w.sizes[1]; }
};

// One line, and back. Errors: std::runtime_error.
std::string text_of(const Convolution& convolution);
Convolution convolution_of(const std::string& text);

// Reads two of the tensors and overwrites the third.
void run(const Convolution& convolution, void* x, void* w, void* y);

}  // namespace rlnas::simulator
