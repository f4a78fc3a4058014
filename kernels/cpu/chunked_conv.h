// One convolution pass that runs a chunk of images at a time on one thread, so that a caller can do more with
// a chunk while it is in cache. Made by pointwise_conv.h, winograd_conv.h, depthwise_conv.h and
// onednn_conv.h, one of them for each problem, which conv_engine.h picks and keeps.
//
// forward and backward_data: load_weights once, then run_chunk for every chunk. backward_weights: run_chunk
// for every chunk, each unit's chunks in order on one thread, into the unit's own copy of the weight
// gradient; the copies are then added up in the first and stored.
#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/backend.h"
#include "kernels/cpu/conv_chunks.h"
#include "kernels/cpu/lines_ahead.h"

namespace rlnas {

// What one chunk of each pass works on: images of the input side [images,H,W,C] and of the output side
// [images,P,Q,K], and the weights as load_weights left them or the copy of the chunk's unit.
struct ForwardChunk {
  const float* x;
  const void* weights;
  float* y;
};
struct BackwardDataChunk {
  const float* dy;
  const void* weights;
  float* dx;
};
struct BackwardWeightsChunk {
  const float* x;
  const float* dy;
  void* copy;
};

// Which chunk, and by whom it is run.
struct ChunkRun {
  int thread;
  int chunk;
  void* scratch;
  FloatRange next = {};  // what the thread is going to read, which may be asked for meanwhile
};

class ChunkedConv {
 public:
  ChunkedConv(const ConvSpec& conv_spec, ConvPass conv_pass)
      : spec(conv_spec), pass(conv_pass), chunks(conv_spec) {}
  virtual ~ChunkedConv() = default;
  ChunkedConv(const ChunkedConv&) = delete;
  ChunkedConv& operator=(const ChunkedConv&) = delete;

  // Parts of load_weights and store_weights, which the caller spreads over threads.
  virtual int weight_parts() const = 0;
  // w [K,C/g,R,S] -> the part's share of `loaded`.
  virtual void load_weights(int part, const float* w, void* loaded) const = 0;
  // The one that belongs to `pass`. Errors: device when oneDNN fails.
  virtual void run_chunk(const ChunkRun& at, const ForwardChunk& tensors) const = 0;
  virtual void run_chunk(const ChunkRun& at, const BackwardDataChunk& tensors) const = 0;
  virtual void run_chunk(const ChunkRun& at, const BackwardWeightsChunk& tensors) const = 0;
  // sum: one copy -> the part's share of dw [K,C/g,R,S].
  virtual void store_weights(int part, const void* sum, float* dw) const = 0;
  // "jit:avx2" or another of oneDNN's names, "rlnas:depthwise", "rlnas:winograd"
  virtual const char* implementation() const = 0;

  // Chunks are handed to threads in units.
  int units() const { return (chunks.count() + chunks_per_unit - 1) / chunks_per_unit; }
  int unit_begin(int unit) const { return unit * chunks_per_unit; }
  int unit_end(int unit) const { return std::min(chunks.count(), (unit + 1) * chunks_per_unit); }
  // Bytes of the copies of the weights or their gradient.
  std::size_t copies_bytes() const {
    return weights_bytes * (pass == ConvPass::backward_weights ? std::size_t(units()) : 1);
  }
  // The copy that a unit's chunks read or write.
  void* copy_of(void* copies, int unit) const {
    return static_cast<char*>(copies) +
           (pass == ConvPass::backward_weights ? weights_bytes * std::size_t(unit) : 0);
  }
  std::size_t workspace_bytes(int threads) const {
    return copies_bytes() + scratch_bytes * std::size_t(threads);
  }

  // Whether nothing of the weight gradient is in a unit's copy yet.
  bool starts_copy(int chunk) const { return chunk % chunks_per_unit == 0; }
  // For a backward_weights that adds each chunk to its copy: the copy, zeros when its unit starts.
  float* sums_of(int chunk, void* copy) const {
    if (starts_copy(chunk)) std::memset(copy, 0, weights_bytes);
    return static_cast<float*>(copy);
  }

  const ConvSpec spec;
  const ConvPass pass;
  const ConvChunks chunks;
  int chunks_per_unit = 1;
  std::size_t weights_bytes = 0;  // one copy, a multiple of the page size
  std::size_t scratch_bytes = 0;  // of one thread, likewise
};

}  // namespace rlnas
