// A graph made into calls of ops/: what a forward pass runs, in the order of the graph. On the way
//   - zeros are followed (a convolution of zeros is zeros) and what leads nowhere is dropped,
//   - a convolution and the batch norm behind it become one call, norms, their sum and the activation behind
//   it
//     another, an activation behind a concatenation is left to its parts, equal activations are made once,
//   - in an expand - depthwise - project chain a norm is left to the convolution that reads it.
// What runs is what somebody would write by hand with ops/, and the tape records it as if they had.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/context.h"
#include "ops/drop.h"
#include "ops/graph.h"
#include "ops/network_layout.h"
#include "ops/norm_sum.h"

namespace rlnas {

struct ProgramOptions {
  bool trains = true;          // outputs beside the first run too
  bool drops_paths = false;    // else drop_path passes its input on
  bool drops_values = false;   // dropout likewise
  std::vector<int> taps = {};  // nodes whose values are wanted as they are
};

// Vector-Jacobian products between taps: on its way back the backward pass leaves at every tap the gradient
// that arrived there, and goes on with the seed put in its place, if there is one. A tap on the input gets
// the gradient of the images. With seeds at all taps,
// `arrived` of one is the product of the next one's seed with the Jacobian in between: one pass for a whole
// chain.
struct TapGradients {
  std::vector<Tensor> seeds;    // of each tap, in its shape; empty: what arrived goes on
  std::vector<Tensor> arrived;  // empty where nothing did
};

class Program {
 public:
  Program(const Graph& graph, const NetworkLayout& layout, const ProgramOptions& options);

  struct Drops {
    DropSpec paths, values;
  };
  struct Result {
    Tensor logits;             // of the first output; those of others are left in context.auxiliary
    std::vector<Tensor> taps;  // in the order of ProgramOptions::taps
    // Where gradients are recorded.
    std::shared_ptr<TapGradients> tap_gradients = {};
  };
  // Shapes: images [N,H,W,C] of the graph's input -> logits [N,classes]. Errors: run_failed for images of
  // another shape.
  Result run(Context& context, const Tensor& images, const Drops& drops) const;

  // What a call does. Slots hold tensors between calls.
  struct Call {
    enum class Kind {
      begin_stage,
      begin_unit,
      zeros,
      conv,
      conv_norm,
      normalise,
      sum,  // of terms: norm_sum
      concat,
      avg_pool,
      max_pool,
      global_avg_pool,
      subsample,
      slice,
      channel_shuffle,
      linear,
      dropout,
      drop_path,
    };
    struct Term {
      enum class Kind { plain, averaged, normalised } kind;  // the last in a slot of terms
      int slot;
      int use = -1;  // of a plain one in a weighted sum: of the mixture
    };
    Kind kind;
    int node = -1;
    std::vector<int> inputs = {};     // slots of tensors
    std::vector<Term> terms = {};     // of sum; of a conv_norm that normalises its input, that one
    SumOutput want = SumOutput::sum;  // of sum
    Activation activation = Activation::relu;
    Conv2d conv = {};
    BatchNorm norm = {};
    Linear linear = {};
    Pool pool = {};
    int offset = 0;              // of subsample and slice
    int groups = 1;              // of channel_shuffle
    int segment = -1;            // of begin_unit
    FeatureShape shape = {};     // of zeros and slice
    const char* stage = "";      // of begin_stage
    std::string name = {};       // of drops
    std::vector<int> done = {};  // slots that nothing reads after this call
  };
  const std::vector<Call>& calls() const { return calls_; }

 private:
  friend class Lowering;
  struct OutputSlot {
    int slot;
    float weight;
  };

  FeatureShape input_;
  int slots_ = 0;
  std::vector<Call> calls_;
  std::vector<OutputSlot> outputs_;
  std::vector<int> taps_;             // slots
  std::vector<int> idle_parameters_;  // on the path, but not run: they coast from now on
};

}  // namespace rlnas
