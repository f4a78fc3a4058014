// All trainable weights of a SuperNet in one flat device buffer, with a gradient and a momentum buffer of the
// same shape. One buffer makes the optimiser one kernel, the angle one pass, a gradient all-reduce one call
// and a checkpoint one copy.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "engine/comm/gradient_exchange.h"
#include "engine/device_bytes.h"
#include "engine/segment_table.h"
#include "kernels/backend.h"

namespace rlnas {

// A flat float buffer on the device with a table of named tensors; also used for batch-norm statistics.
class FlatBuffer {
 public:
  FlatBuffer(Backend& backend, SegmentTable table);  // zero-filled

  const SegmentTable& table() const { return table_; }
  float* data() const { return data_.as<float>(); }
  float* at(int segment) const { return data() + table_[segment].offset; }
  std::vector<float> download() const;  // the whole buffer, padding included
  // Errors: run_failed when the size differs.
  void upload(const std::vector<float>& values);

 private:
  Backend& backend_;
  SegmentTable table_;
  DeviceBytes data_;
};

class Parameters {
 public:
  Parameters(Backend& backend, const SegmentTable& table);

  const SegmentTable& table() const { return weights_.table(); }
  FlatBuffer& weights() { return weights_; }
  FlatBuffer& momentum() { return momentum_; }
  FlatBuffer& gradient() { return gradient_; }
  float* weight(int segment) const { return weights_.at(segment); }
  // Where the backend stores activations as bf16, and so multiplies it: the weights as they were when
  // round_weights was called last. Null for other backends.
  const Bf16* rounded_weight(int segment) const {
    const Bf16* const rounded = rounded_weights_.as<Bf16>();
    return rounded != nullptr ? rounded + table()[segment].offset : nullptr;
  }
  bool rounds_weights() const { return rounded_weights_.as<Bf16>() != nullptr; }
  void round_weights();
  // Where a backward pass puts its gradient of a segment, and whether it has to add to what another use of
  // the segment has put there since the last optimiser step. Also marks the segment as sampled in this step.
  struct Target {
    float* data;
    Store store;
  };
  Target gradient_target(int segment);
  float* gradient_of(int segment) const { return gradient_.at(segment); }
  // The segment is on the sampled path. If no gradient reaches it in this step (its edge is dead), PyTorch
  // would give it a zero gradient, which is what makes it coast from then on.
  void mark_on_path(int segment) { ever_sampled_[std::size_t(segment)] = 1; }

  // Gradients are averaged by `exchange` from here on; null: not at all.
  void set_exchange(GradientExchange* exchange) { exchange_ = exchange; }
  // The backward pass is done with this segment and all behind it.
  void gradients_final_from(int segment) {
    if (exchange_ != nullptr) exchange_->final_from(std::size_t(table()[segment].offset));
  }

  // The gradients since the last step do not count.
  void forget_gradients() { std::fill(states_.begin(), states_.end(), SegmentState::untouched); }

  // Weight decay leaves the segments alone whose flag is 0. Errors: run_failed when the size differs.
  void set_decayed(std::vector<std::uint8_t> flags);

  // One optimiser step over the gradients marked since the last one. Above `max_norm` their L2 norm is first
  // brought down to it (torch's clip_grad_norm_); infinity: no norm is taken.
  void sgd_step(SgdSpec spec, Unsampled unsampled, float max_norm = std::numeric_limits<float>::infinity());

  // Segments that have ever received a gradient, as 0/1, for checkpoints.
  const std::vector<std::uint8_t>& ever_sampled() const { return ever_sampled_; }
  void set_ever_sampled(std::vector<std::uint8_t> flags) { ever_sampled_ = std::move(flags); }

  const SegmentBlock* device_blocks() const { return device_blocks_.as<SegmentBlock>(); }
  int block_count() const { return int(blocks_.size()); }
  std::size_t device_bytes() const;

 private:
  std::size_t norm_workspace_bytes() const {
    return backend_.workspace_bytes(TakeGradientNorm{.block_count = block_count()});
  }

  std::size_t rounded_bytes() const {
    const bool rounds = backend_.activation_type() == Element::bf16;
    return rounds ? std::size_t(table().buffer_count()) * sizeof(Bf16) : 0;
  }

  Backend& backend_;
  FlatBuffer weights_, gradient_, momentum_;
  std::vector<SegmentState> states_;
  std::vector<std::uint8_t> ever_sampled_, decayed_;
  std::vector<SegmentBlock> blocks_;
  DeviceBytes device_blocks_, device_states_, device_norm_, norm_workspace_, rounded_weights_;
  GradientExchange* exchange_ = nullptr;
};

}  // namespace rlnas
