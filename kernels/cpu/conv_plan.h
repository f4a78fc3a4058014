// How one convolution pass runs: the oneDNN primitives of its chunks, or our own kernels. Internal to
// conv_engine.cpp and conv_plan.cpp, the only files that see oneDNN.
#pragma once

#include <omp.h>

#include <dnnl.hpp>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cpu/conv_engine.h"
#include "kernels/cpu/direct_conv.h"

namespace rlnas {

// While it lives, OpenMP offers oneDNN one thread: primitives are built, and reorders run, single-threaded.
// The setting belongs to the calling thread and is put back.
class OneThread {
 public:
  OneThread() : saved_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(saved_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int saved_;
};

enum class Own { no, direct };  // whether our own kernels run it

// The memory objects of one thread, made once: a call only points them at its data.
struct ConvArguments {
  dnnl::memory in_side, weights, out_side, scratchpad;
};

struct ConvPiece {  // one oneDNN primitive: a chunk of the batch
  dnnl::primitive primitive;
  dnnl::memory::desc in_side, out_side, weights, scratchpad;
  std::string implementation;
  std::vector<ConvArguments> arguments = {};  // of each thread
};

struct ConvPlan : ChunkedConv {
  ConvPlan(const ConvSpec& conv_spec, ConvPass conv_pass)
      : ChunkedConv{conv_spec, conv_pass, ConvChunks(conv_spec)} {}

  Own own = Own::no;
  std::string implementation;
  mutable ConvPiece full, tail;      // their arguments are pointed at each call's data
  dnnl::memory::desc plain_weights;  // OIHW
  dnnl::primitive reorder;

  std::size_t workspace_bytes(int threads) const {
    if (own == Own::direct) return direct_conv_workspace_bytes(spec, pass);
    return weights_bytes * weight_copies() + scratch_bytes * std::size_t(threads);
  }
};

// Errors: run_failed for a spec that is no convolution; dnnl::error.
std::unique_ptr<ConvPlan> make_conv_plan(const ConvSpec& spec, ConvPass pass, int threads,
                                         const dnnl::engine& engine);

}  // namespace rlnas
