// Everything of a training run that lives on the device, and the training step itself.
#pragma once

#include <functional>
#include <vector>

#include "data/batch_loader.h"
#include "ops/context.h"
#include "ops/layers.h"

namespace rlnas {

struct StepSpec {
  AugmentSpec augment;  // batch is taken from the batch at hand
  SgdSpec sgd;
  Unsampled unsampled = Unsampled::coast;
  float label_smoothing = 0.0f;
};

class TrainingState {
 public:
  using Forward = std::function<Tensor(Context&, const Tensor& images)>;

  // Errors: device when there is not enough memory.
  TrainingState(Backend& backend, const ModelBuilder& layout, std::size_t arena_bytes);
  ~TrainingState();

  // Averages gradients over ranks by `exchange`, which must outlive the steps; null: one rank, the default.
  void set_exchange(GradientExchange* exchange);

  // Forward, loss, backward and optimiser step on one batch. Returns the sums of the loss over the batch, or
  // over this rank's share of it.
  LossSums step(const Forward& forward, const HostBatch& batch, const StepSpec& spec);

  // The three sums of every segment, of the initial against the present weights.
  std::vector<AngleSums> angle_sums();

  Parameters& parameters() { return parameters_; }
  FlatBuffer& statistics() { return statistics_; }
  FlatBuffer& initial_weights() { return initial_weights_; }
  const Arena& arena() const { return arena_; }
  std::size_t fixed_bytes() const;

 private:
  Tensor upload(const void* host, Shape shape, Layout layout, DType dtype);

  Backend& backend_;
  Parameters parameters_;
  FlatBuffer statistics_, initial_weights_;
  Arena arena_;
  Tape tape_;
  LossSums* loss_sums_ = nullptr;  // device
  GradientExchange* exchange_ = nullptr;
};

}  // namespace rlnas
