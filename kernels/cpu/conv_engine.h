// Convolutions through oneDNN: which primitive, how the batch is cut, where scratch memory lies.
//
// The batch is cut into chunks of a few images, fixed by the batch size alone, and each chunk is one
// single-threaded oneDNN primitive inside our own parallel loop: measured as fast as oneDNN's own threading,
// and results do not depend on the thread count. Activations stay NHWC; weights are reordered from OIHW to
// the blocking oneDNN asks for once a call. What oneDNN would leave to its reference code goes to
// direct_conv.h. oneDNN's headers are seen in conv_engine.cpp and conv_plan.* alone.
#pragma once

#include <memory>
#include <string>

#include "kernels/backend.h"

namespace rlnas {

class ConvEngine {
 public:
  explicit ConvEngine(int threads);
  ~ConvEngine();

  // Errors: run_failed for a spec that is no convolution, device when oneDNN cannot build it.
  std::size_t workspace_bytes(const ConvSpec& spec, ConvPass pass);
  // The three passes; arguments as in Backend. Determinism: bit-equal for any thread count.
  void forward(const ConvSpec& spec, const float* x, const float* w, float* y, Workspace workspace);
  void backward_data(const ConvSpec& spec, const float* dy, const float* w, float* dx, Workspace workspace);
  void backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                        Workspace workspace);
  // Name of the code that runs it: oneDNN's ("jit:avx2"), or "rlnas:depthwise", "rlnas:direct".
  std::string implementation(const ConvSpec& spec, ConvPass pass);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Which code would run this convolution: for tests and diagnosis.
std::string conv_implementation(const ConvSpec& spec, ConvPass pass);

// "oneDNN 2.6.3, AVX2"
std::string onednn_description();

}  // namespace rlnas
