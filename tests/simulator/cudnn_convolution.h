// A convolution as cuDNN's descriptors say it, run on the host: what cudnnBackendExecute does on the
// simulated device. Sums are kept in double and rounded once.
#pragma once

#include "tests/simulator/cudnn_tensor.h"

namespace rlnas::simulator {

enum class ConvolutionResult { x, w, y };  // data gradient, weight gradient, forward

struct Convolution {
  ConvolutionResult result = ConvolutionResult::y;
  GraphTensor x, w, y;
  std::array<std::int64_t, 2> padding{}, stride{}, dilation{};

  std::int64_t groups() const { return x.sizes[1] / w.sizes[1]; }
};

// One line, and back. Errors: std::runtime_error.
std::string text_of(const Convolution& convolution);
Convolution convolution_of(const std::string& text);

// Reads two of the tensors and overwrites the third.
void run(const Convolution& convolution, void* x, void* w, void* y);

}  // namespace rlnas::simulator
