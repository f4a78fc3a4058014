// The reverse-mode tape of one step. Operations append a closure that turns the gradient of their output into
// gradients of their inputs; backward() runs them last to first and drops each one as it goes, which is what
// frees the saved activations.
#pragma once

#include <functional>
#include <vector>

#include "engine/tensor.h"
#include "kernels/backend.h"

namespace rlnas {

class Tape {
 public:
  // What backward() does with the closures.
  enum class After { drop, keep };

  Tape(Backend& backend, Arena& arena) : backend_(backend), arena_(arena) {}

  // A slot for the gradient of a new tensor.
  int new_variable();
  // A slot for that of an activation's output, `activated`: what arrives there goes back through the
  // activation once, when the gradient of `variable` is taken, that of what the activation takes.
  int new_activated_variable(int variable, Activation activation, const Tensor& activated);
  void record(std::function<void()> backward) { nodes_.push_back({std::move(backward), stage_}); }

  // What is run and recorded from here on belongs to this stage of the network; `name`: a string literal.
  // Each closure runs under the stage it was recorded in.
  void begin_stage(const char* name);

  // A gradient, what the kernel that wrote all of it noted for the one that reads it, and an activation that
  // it has yet to pass back through. Each may be empty.
  struct NotedGradient {
    Tensor gradient;
    Buffer note;
    Activation activation = Activation::none;
  };
  // The gradient that reached `variable` so far, moved out; empty when none did.
  Tensor take_gradient(int variable);
  // The same for who can pass it back through an activation. There is only one that has come so far where
  // all of it arrived at an activated variable.
  NotedGradient take_noted_gradient(int variable);
  // All of the gradient of a variable whose reader takes it as above.
  void pass_on(int variable, NotedGradient gradient);

  // Adds `gradient`, of the tensor's data, to what its variable has, passed back through tensor.applied. A
  // first contribution that needs no change is kept without a copy, so the memory may be shared with others;
  // later ones copy before they write if it is.
  void add_gradient(const Tensor& tensor, Tensor gradient);
  // Memory a kernel can put a contribution to the variable into, and whether it has to add to what is there.
  // Passing it back through tensor.applied is the kernel's business.
  struct Target {
    Values data;
    Store store;
  };
  Target gradient_target(const Tensor& tensor);
  // Memory for a note on the gradient that a kernel is about to write to the target it was given last; null
  // for 0 bytes. A further contribution to the gradient drops the note, since it would no longer be true.
  void* note_on_gradient(int variable, std::size_t bytes);

  // Runs all closures, and drops or keeps them: for a further pass with other seeds, which all that they hold
  // stays for.
  void backward(After after = After::drop);
  // Forgets everything, for a step that is not going to run backward.
  void clear();

 private:
  struct Node {
    std::function<void()> backward;
    const char* stage;
  };

  struct Slot {
    NotedGradient held;
    int activated_variable = -1;
    Activation activation = Activation::none;
    Tensor activated;
  };
  NotedGradient take(int variable);
  void pass_back(Slot& slot, Tensor gradient);

  Backend& backend_;
  Arena& arena_;
  std::vector<Node> nodes_;
  const char* stage_ = "";
  After after_ = After::drop;
  std::vector<Slot> slots_;
};

}  // namespace rlnas
