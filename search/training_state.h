// Everything of a training run that lives on the device, and the training step itself.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "data/batch_loader.h"
#include "engine/device_bytes.h"
#include "ops/context.h"
#include "ops/layers.h"

namespace rlnas {

struct StepSpec {
  AugmentSpec augment;  // batch is taken from the batch at hand
  SgdSpec sgd;
  float max_gradient_norm = std::numeric_limits<float>::infinity();
  Unsampled unsampled = Unsampled::coast;
  float label_smoothing = 0.0f;
};

class TrainingState {
 public:
  static constexpr std::size_t kQueuedSteps = 2;
  using Forward = std::function<Tensor(Context&, const Tensor& images)>;

  // Errors: device when there is not enough memory.
  TrainingState(Backend& backend, const ModelBuilder& layout, std::size_t arena_bytes);
  ~TrainingState();

  // Averages gradients over ranks by `exchange`, which must outlive the steps; null: one rank, the default.
  void set_exchange(GradientExchange* exchange);

  // Queues forward, loss, backward and optimiser step on one batch.
  void queue_step(const Forward& forward, const HostBatch& batch, const StepSpec& spec);
  // The sums of the loss over the batch, or over this rank's share of it, of the oldest queued step that it
  // was not called for; waits for that step. At most kQueuedSteps may be outstanding.
  LossSums take_loss();
  LossSums step(const Forward& forward, const HostBatch& batch, const StepSpec& spec) {
    queue_step(forward, batch, spec);
    return take_loss();
  }
  // Logits [N,classes] of a batch by running statistics; waits for them.
  std::vector<float> logits(const Forward& forward, const HostBatch& batch, AugmentSpec augment);
  // Whether a queued step may still be running: then the next is better queued before the loss is taken.
  bool queues() const { return losses_.front()->is_asynchronous(); }

  // The three sums of every segment, of the initial against the present weights.
  std::vector<AngleSums> angle_sums();

  Parameters& parameters() { return parameters_; }
  FlatBuffer& statistics() { return statistics_; }
  FlatBuffer& initial_weights() { return initial_weights_; }
  const Arena& arena() const { return arena_; }
  std::size_t fixed_bytes() const;

 private:
  void wait_for_exchange();  // of the last step queued
  Tensor upload(const void* host, Shape shape, Layout layout, DType dtype);
  Tensor upload_images(const HostBatch& batch, AugmentSpec augment);

  Backend& backend_;
  Parameters parameters_;
  FlatBuffer statistics_, initial_weights_;
  Arena arena_;
  Tape tape_;
  DeviceBytes loss_sums_;
  std::array<std::unique_ptr<Readback>, kQueuedSteps> losses_;
  std::uint64_t steps_queued_ = 0, losses_taken_ = 0, exchanges_waited_for_ = 0;
  GradientExchange* exchange_ = nullptr;
};

}  // namespace rlnas
