// Depthwise convolutions between two batch norms, a few images at a time on one thread: what conv_norm.cpp
// runs where the rows that a filter meets are worth making on the way into its ring, neither the
// convolution's input nor the gradient of its output ever being written to memory.
#pragma once

#include <memory>

#include "kernels/cpu/chunked_conv.h"

namespace rlnas {

struct NormedInput {  // activation(scale * x + shift)
  const float* x;     // [images,H,W,C]
  ConstBatchNormSaved norm;
  Activation activation;
};

struct NormedGradient {  // of the convolution's output, as apply_gradient makes it
  const float *y, *dz;   // [images,P,Q,C]
  ConstBatchNormSaved norm;
  const float *slope, *offset;
};

class DepthwiseNorm {
 public:
  virtual ~DepthwiseNorm() = default;
  // filters: what load_weights of `forward` left. -> y [images,P,Q,C]
  virtual void run_forward(int images, const NormedInput& x, const void* filters, float* y,
                           void* scratch) const = 0;
  // Adds to the sums of `to_weights`. dx [images,H,W,C] (+)= the gradient of what the activation takes,
  // unless null.
  virtual void run_backward(int images, const NormedInput& x, const NormedGradient& dy, const void* filters,
                            float* sums, float* dx, Store store, void* scratch) const = 0;

  std::unique_ptr<ChunkedConv> forward, to_weights;
  std::size_t forward_scratch_bytes = 0, backward_scratch_bytes = 0;  // of one thread, whole pages
};

// As make_depthwise_conv, for filters that are not dilated.
std::unique_ptr<DepthwiseNorm> make_depthwise_norm(const ConvSpec& spec);

}  // namespace rlnas
