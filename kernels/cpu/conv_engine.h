// Convolutions through oneDNN: which primitive, how the batch is cut, where scratch memory lies.
//
// The batch is cut into chunks of a few images, fixed by the problem alone, and each chunk is one
// single-threaded oneDNN primitive inside our own parallel loop: measured as fast as oneDNN's own threading,
// and results do not depend on the thread count. Activations stay NHWC; weights are reordered from OIHW to
// the blocking oneDNN asks for once a call. What oneDNN would leave to its reference code goes to
// direct_conv.h. oneDNN's headers are seen in conv_engine.cpp and conv_plan.* alone.
#pragma once

#include <memory>
#include <string>

#include "kernels/backend.h"
#include "kernels/cpu/conv_chunks.h"

namespace rlnas {

// One convolution pass that oneDNN runs chunk by chunk.
struct ChunkedConv {
  ConvSpec spec;
  ConvPass pass;
  ConvChunks chunks;
  std::size_t weights_bytes = 0;  // one copy in oneDNN's blocking, rounded up to pages
  std::size_t scratch_bytes = 0;  // of one thread, likewise

  // backward_weights leaves one copy per chunk, the others read one.
  std::size_t weight_copies() const {
    return pass == ConvPass::backward_weights ? std::size_t(chunks.count()) : 1;
  }
};

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
  // For a caller that runs the chunks itself, to do more with one while it is in cache. Null when our own
  // kernels run the pass. Then: load_weights, run_chunk on any threads, and for backward_weights sum_weights.
  const ChunkedConv* chunked(const ConvSpec& spec, ConvPass pass);
  void load_weights(const ChunkedConv& conv, const float* w, void* blocked);
  // `images` images on thread `thread`; in_side and out_side are those of the first. Errors: device when
  // oneDNN fails.
  void run_chunk(const ChunkedConv& conv, int thread, int images, const float* in_side, const void* weights,
                 const float* out_side, void* scratch);
  void sum_weights(const ChunkedConv& conv, void* copies, float* dw);

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
