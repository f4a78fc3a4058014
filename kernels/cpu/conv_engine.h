// Which code runs a convolution, and the passes over a whole batch.
//
// The batch is cut into chunks of a few images, fixed by the problem alone, and threads take chunks: results
// do not depend on the thread count. 1x1 convolutions go to pointwise_conv.h, other dense ones to oneDNN or,
// where ConvAlgorithm says so, to Winograd, depthwise ones to oneDNN or depthwise_conv.h, whichever was
// measured to be faster with vectors of the build's width; what is left, where oneDNN has only its reference
// code, goes to direct_conv.h.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "kernels/backend.h"
#include "kernels/conv_problem.h"
#include "kernels/cpu/chunked_conv.h"
#include "kernels/cpu/depthwise_norm.h"
#include "kernels/cpu/onednn_conv.h"

namespace rlnas {

class ConvEngine {
 public:
  explicit ConvEngine(int threads, ConvAlgorithm algorithm = ConvAlgorithm::automatic);

  // Errors: run_failed for a spec that is no convolution, device when oneDNN cannot build it.
  std::size_t workspace_bytes(const ConvSpec& spec, ConvPass pass);
  // The three passes; arguments as in Backend. Determinism: bit-equal for any thread count.
  void forward(const ConvSpec& spec, const float* x, const float* w, float* y, Workspace workspace);
  void backward_data(const ConvSpec& spec, const float* dy, const float* w, float* dx, Workspace workspace);
  void backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                        Workspace workspace);

  // For a caller that runs the chunks itself. Null when the pass does not run in chunks.
  const ChunkedConv* chunked(const ConvSpec& spec, ConvPass pass);
  // Likewise, with the norms on both sides. Null where the steps one by one are as fast, or there is none.
  const DepthwiseNorm* depthwise_norm(const ConvSpec& spec);
  void load_weights(const ChunkedConv& conv, const float* w, void* loaded) const;
  // Adds the copies up in their order, in place, and stores the sum as dw [K,C/g,R,S].
  void sum_weights(const ChunkedConv& conv, void* copies, float* dw) const;

  // Name of the code that runs it: ChunkedConv's, or "rlnas:direct".
  const char* implementation(const ConvSpec& spec, ConvPass pass);

 private:
  // tensors_of(floats before the chunk on the input side, on the output side, its weights) -> its tensors
  template <class TensorsOf>
  void run_chunks(const ChunkedConv& conv, void* weights, const TensorsOf& tensors_of) const;

  int threads_;
  ConvAlgorithm algorithm_;
  OneDnn onednn_;
  std::mutex mutex_;
  std::unordered_map<ConvProblem, std::unique_ptr<ChunkedConv>, ConvProblemHash> plans_;  // null: direct_conv
  std::unordered_map<ConvProblem, std::unique_ptr<DepthwiseNorm>, ConvProblemHash> norm_plans_;
};

}  // namespace rlnas
