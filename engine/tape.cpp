#include "engine/tape.h"

#include <utility>

namespace rlnas {

int Tape::new_variable() {
  gradients_.emplace_back();
  return int(gradients_.size()) - 1;
}

Tape::NotedGradient Tape::take_noted_gradient(int variable) {
  return std::exchange(gradients_[std::size_t(variable)], NotedGradient{});
}

void Tape::add_gradient(const Tensor& tensor, Tensor gradient) {
  Tensor& slot = gradients_[std::size_t(tensor.variable)].gradient;
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
  auto& [slot, note] = gradients_[std::size_t(tensor.variable)];
  note = {};
  if (!slot) {
    slot = make_tensor(arena_, tensor.shape, tensor.layout);
    return {slot.data(), Store::overwrite};
  }
  if (!slot.buffer.unique()) {
    Tensor copy = make_tensor(arena_, tensor.shape, tensor.layout);
    backend_.run(Add{.count = tensor.count(), .x = slot.data(), .y = copy.data()});
    slot = std::move(copy);
  }
  return {slot.data(), Store::accumulate};
}

void* Tape::note_on_gradient(int variable, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  Buffer& note = gradients_[std::size_t(variable)].note = arena_.allocate(bytes);
  return note.data();
}

void Tape::begin_stage(const char* name) {
  stage_ = name;
  backend_.begin_stage(name, Direction::forward);
}

void Tape::backward(After after) {
  if (after == After::keep) {
    for (std::size_t i = nodes_.size(); i-- > 0;) {
      backend_.begin_stage(nodes_[i].stage, Direction::backward);
      nodes_[i].backward();
    }
    for (NotedGradient& gradient : gradients_) gradient = {};
    return;
  }
  while (!nodes_.empty()) {
    backend_.begin_stage(nodes_.back().stage, Direction::backward);
    nodes_.back().backward();
    nodes_.pop_back();
  }
  gradients_.clear();
}

void Tape::clear() {
  while (!nodes_.empty()) nodes_.pop_back();
  gradients_.clear();
}

}  // namespace rlnas
