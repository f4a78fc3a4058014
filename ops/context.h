// What every operation works with: the device, the step's memory, the tape and the weights.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/parameters.h"
#include "engine/tape.h"

namespace rlnas {

class Mixture;  // mixture.h

enum class Mode {
  train,     // batch statistics, gradients recorded
  measure,   // batch statistics, nothing recorded
  evaluate,  // running statistics, nothing recorded
  frozen,    // running statistics, gradients recorded
};

struct Context {
  Backend& backend;
  Arena& arena;
  Tape& tape;
  Parameters& parameters;
  FlatBuffer& statistics;  // batch-norm running means and variances
  Mode mode = Mode::train;
  // Weight of a batch's statistics in the running ones; 0: these are left alone.
  float statistics_momentum = BatchNormSpec{}.momentum;
  // Whether a backward pass takes the gradients of weights besides those of values.
  bool weight_gradients = true;
  Mixture* mixture = nullptr;      // that weighted sums read; null where the graph has none
  bool mixture_gradients = false;  // whether a backward pass takes those of the mixture

  // Classifiers beside the network's own, which its forward pass leaves here in training: their losses are
  // added to its loss, each times its weight.
  struct WeightedLogits {
    Tensor logits;
    float weight;
  };
  std::vector<WeightedLogits> auxiliary = {};

  // The last of the segments that operations of this forward pass have used; -1: none yet.
  int last_used = -1;

  bool records() const { return mode == Mode::train || mode == Mode::frozen; }
  bool uses_running_statistics() const { return mode == Mode::evaluate || mode == Mode::frozen; }
  bool records(const Tensor& x) const { return records() && x.variable >= 0; }

  // An operation that trains this segment runs.
  void use_segment(int segment) {
    parameters.mark_on_path(segment);
    last_used = std::max(last_used, segment);
  }

  // What runs from here on owns this segment and all behind it: once the backward pass is back at this point
  // their gradients are final. Not if one of them was used before this point too: an earlier mark covers it.
  void mark_gradients_from(int segment) {
    if (records() && last_used < segment)
      tape.record([&p = parameters, segment] { p.gradients_final_from(segment); });
  }
};

// Scratch memory for one primitive; goes back to the arena when the object dies.
class ScopedWorkspace {
 public:
  ScopedWorkspace(Arena& arena, std::size_t bytes) : bytes_(bytes) {
    if (bytes > 0) buffer_ = arena.allocate(bytes);
  }
  operator Workspace() const { return {buffer_.data(), bytes_}; }

 private:
  Buffer buffer_;
  std::size_t bytes_;
};

// Runs a primitive with the scratch memory that it asks for.
template <class Primitive>
void run(Context& context, const Primitive& call) {
  const ScopedWorkspace workspace(context.arena, context.backend.workspace_bytes(call));
  context.backend.run(call, workspace);
}

}  // namespace rlnas
