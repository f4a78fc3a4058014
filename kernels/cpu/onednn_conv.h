// Convolution passes through oneDNN, the one file pair that sees its headers.
//
// Each chunk is one single-threaded primitive: measured as fast as oneDNN's own threading, and results do not
// depend on the thread count. Activations stay NHWC; weights are reordered between OIHW and the blocking
// oneDNN asks for, a slice of output channels at a time.
#pragma once

#include <memory>
#include <string>

#include "kernels/cpu/chunked_conv.h"

namespace rlnas {

class OneDnn {
 public:
  explicit OneDnn(int threads);
  ~OneDnn();

  // Null when oneDNN has only its reference code, or something as slow. Must outlive what it made.
  // Errors: device when oneDNN fails.
  std::unique_ptr<ChunkedConv> make_conv(const ConvSpec& spec, ConvPass pass);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// "oneDNN 2.6.3, AVX2"
std::string onednn_description();

}  // namespace rlnas
