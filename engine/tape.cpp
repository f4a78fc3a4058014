#include "engine/tape.h"

#include <utility>

namespace rlnas {

int Tape::new_variable() {
  slots_.emplace_back();
  return int(slots_.size()) - 1;
}

int Tape::new_activated_variable(int variable, Activation activation, const Tensor& activated) {
  const int own = new_variable();
  Slot& slot = slots_[std::size_t(variable)];
  slot.activated_variable = own;
  slot.activation = activation;
  slot.activated = activated;
  return own;
}

Tape::NotedGradient Tape::take(int variable) {
  Slot& slot = slots_[std::size_t(variable)];
  if (slot.activated_variable >= 0) {
    Tensor arrived = take_gradient(slot.activated_variable);
    if (arrived && !slot.held.gradient)
      slot.held = {std::move(arrived), {}, slot.activation};
    else if (arrived)
      pass_back(slot, std::move(arrived));
  }
  return std::exchange(slot.held, NotedGradient{});
}

Tape::NotedGradient Tape::take_noted_gradient(int variable) {
  NotedGradient taken = take(variable);
  if (after_ == After::drop) slots_[std::size_t(variable)].activated = {};
  return taken;
}

Tensor Tape::take_gradient(int variable) {
  NotedGradient taken = take(variable);
  Slot& slot = slots_[std::size_t(variable)];
  if (taken.activation != Activation::none) {
    pass_back(slot, std::move(taken.gradient));
    taken.gradient = std::exchange(slot.held, NotedGradient{}).gradient;
  }
  if (after_ == After::drop) slot.activated = {};
  return std::move(taken.gradient);
}

void Tape::pass_on(int variable, NotedGradient gradient) {
  NotedGradient& held = slots_[std::size_t(variable)].held;
  RLNAS_CHECK(!held.gradient, run_failed, "a gradient is passed on to a variable that has one");
  held = std::move(gradient);
}

// Adds a gradient of the activated variable to what the slot holds.
void Tape::pass_back(Slot& slot, Tensor gradient) {
  Tensor source = slot.activated;
  source.variable = int(&slot - slots_.data());
  source.applied = slot.activation;
  add_gradient(source, std::move(gradient));
}

void Tape::add_gradient(const Tensor& tensor, Tensor gradient) {
  Tensor& slot = slots_[std::size_t(tensor.variable)].held.gradient;
  if (!slot && tensor.applied == Activation::none) {
    slot = std::move(gradient);
    return;
  }
  if (!slot && gradient.buffer.unique()) {
    backend_.run(ActivationBackward{.activation = tensor.applied,
                                    .count = tensor.count(),
                                    .activated = tensor.data(),
                                    .dy = gradient.data(),
                                    .dx = gradient.data()});
    slot = std::move(gradient);
    return;
  }
  const Target target = gradient_target(tensor);
  if (tensor.applied == Activation::none)
    backend_.run(Add{.count = tensor.count(), .x = gradient.data(), .y = target.data, .store = target.store});
  else
    backend_.run(ActivationBackward{.activation = tensor.applied,
                                    .count = tensor.count(),
                                    .activated = tensor.data(),
                                    .dy = gradient.data(),
                                    .dx = target.data,
                                    .store = target.store});
}

Tape::Target Tape::gradient_target(const Tensor& tensor) {
  auto& [slot, note, activation] = slots_[std::size_t(tensor.variable)].held;
  note = {};
  if (!slot) {
    slot = make_like(arena_, tensor);
    return {slot.data(), Store::overwrite};
  }
  if (!slot.buffer.unique()) {
    Tensor copy = make_like(arena_, tensor);
    backend_.run(Add{.count = tensor.count(), .x = slot.data(), .y = copy.data()});
    slot = std::move(copy);
  }
  return {slot.data(), Store::accumulate};
}

void* Tape::note_on_gradient(int variable, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  Buffer& note = slots_[std::size_t(variable)].held.note = arena_.allocate(bytes);
  return note.data();
}

void Tape::begin_stage(const char* name) {
  stage_ = name;
  backend_.begin_stage(name, Direction::forward);
}

void Tape::backward(After after) {
  after_ = after;
  if (after == After::keep) {
    for (std::size_t i = nodes_.size(); i-- > 0;) {
      backend_.begin_stage(nodes_[i].stage, Direction::backward);
      nodes_[i].backward();
    }
    for (Slot& slot : slots_) slot.held = {};
    return;
  }
  while (!nodes_.empty()) {
    backend_.begin_stage(nodes_.back().stage, Direction::backward);
    nodes_.back().backward();
    nodes_.pop_back();
  }
  slots_.clear();
}

void Tape::clear() {
  while (!nodes_.empty()) nodes_.pop_back();
  slots_.clear();
}

}  // namespace rlnas
