// A network's weights on a device, and everything that is run over them: forward passes along any program
// with the batch norms' statistics taken from where one likes, backward passes from a loss or between taps,
// and the training step, whose phases are calls of their own. Trainer, evaluator and indicators all stand on
// it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "data/batch_source.h"
#include "engine/angle_tables.h"
#include "engine/device_bytes.h"
#include "ops/context.h"
#include "ops/graph_program.h"
#include "ops/layers.h"

namespace rlnas {

// What batch norms normalise by.
enum class Statistics {
  batch,    // the batch's own; the running ones are left alone
  follow,   // the batch's own, which the running ones follow: training
  running,  // the running ones, which are constants to a backward pass
};

struct PassOptions {
  Statistics statistics = Statistics::running;
  bool gradients = false;          // are recorded
  bool weight_gradients = true;    // those of weights too
  bool mixture_gradients = false;  // and of the mixture
  Program::Drops drops = {};
};

struct StepSpec {
  AugmentSpec augment;  // batch is taken from the batch at hand
  SgdSpec sgd;
  float max_gradient_norm = std::numeric_limits<float>::infinity();
  Unsampled unsampled = Unsampled::coast;
  float label_smoothing = 0.0f;
  // Images of a forward and backward pass; the gradients of a batch's parts add up to its own, but each part
  // is normalised by itself, and the running statistics follow part after part. 0: the whole batch.
  int micro_batch = 0;
};

class Executor {
 public:
  static constexpr std::size_t kQueuedSteps = 2;
  using Forward = std::function<Tensor(Context&, const Tensor& images)>;

  // Errors: device when there is not enough memory.
  Executor(Backend& backend, const ModelBuilder& layout, std::size_t arena_bytes);
  // In memory that outlives it and is used by one executor at a time.
  Executor(Backend& backend, const ModelBuilder& layout, Arena& arena);
  ~Executor();

  // ---- passes

  // Images of a batch on the device, flipped, shifted and normalised; by default all of them.
  Tensor upload_images(const HostBatch& batch, AugmentSpec augment, int first = 0, int count = -1);
  // Results stay until the next pass begins.
  Program::Result forward(const Program& program, const Tensor& images, const PassOptions& options);
  // The same for any function of ops.
  Tensor forward(const Forward& forward, const Tensor& images, const PassOptions& options);
  // Goes back from a seed on the logits (or from none) through taps as their TapGradients say; then these say
  // what arrived. Gradients of the weights add up in parameters().gradient() until step() or
  // forget_gradients(). Shapes: logits_seed [N,classes].
  // Where the tape is kept, another backward pass of the same forward pass may follow.
  void backward(const Program::Result& result, Tensor logits_seed = {},
                Tape::After after = Tape::After::drop);
  // That of the mean cross-entropy: a seed for backward(). Shapes: logits [N,classes], labels [N].
  Tensor loss_gradient(const Tensor& logits, const Tensor& labels);
  void forget_gradients() { parameters_.forget_gradients(); }
  // Makes the running statistics along a program the plain averages over these batches.
  void recalibrate(const Program& program, std::span<const HostBatch> batches, const AugmentSpec& augment);
  // Logits [N,classes] of a batch by running statistics; waits for them.
  std::vector<float> logits(const Forward& forward, const HostBatch& batch, const AugmentSpec& augment);
  Tensor tensor(const std::vector<float>& values, Shape shape, Layout layout = Layout::nhwc);
  Tensor labels(const std::vector<std::int32_t>& labels);
  std::vector<float> host(const Tensor& tensor);
  // The values where they lie, if the host can read them there, or a copy; for as long as the tensor and this
  // live.
  class HostView {
   public:
    HostView() = default;
    std::span<const float> values() const { return copy_.empty() ? view_ : std::span<const float>(copy_); }

   private:
    friend class Executor;
    std::span<const float> view_;
    std::vector<float> copy_;
  };
  HostView host_view(const Tensor& tensor) { return host_view(tensor.data(), tensor.count()); }
  // In the order of the layout; of weights that no gradient has reached yet zeros.
  HostView gradients() {
    return host_view(parameters_.gradient().data(), std::size_t(parameters_.table().buffer_count()));
  }

  // ---- the training step

  // What weighted sums read from here on; must outlive the passes. Null: the graphs have none, the default.
  void set_mixture(Mixture* mixture) { mixture_ = mixture; }
  // Forward, loss and backward on one batch, or on this rank's share of it, with gradients of the mixture
  // alone, which are those of the mean loss; no update. Waits for the device. Shapes: gradients [weights],
  // overwritten.
  LossSums mixture_pass(const Forward& forward, const HostBatch& batch, const StepSpec& spec,
                        std::vector<double>& gradients);

  // Averages gradients over ranks by `exchange`, which must outlive the steps; null: one rank, the default.
  void set_exchange(GradientExchange* exchange) { exchange_ = exchange; }
  // Queues forward, loss, backward, exchange and optimiser step on one batch.
  void queue_step(const Forward& forward, const HostBatch& batch, const StepSpec& spec);
  // The sums of the loss over the batch, or over this rank's share of it, of the oldest queued step that it
  // was not called for; waits for that step. At most kQueuedSteps may be outstanding.
  LossSums take_loss();
  LossSums step(const Forward& forward, const HostBatch& batch, const StepSpec& spec) {
    queue_step(forward, batch, spec);
    return take_loss();
  }
  // Whether a queued step may still be running: then the next is better queued before the loss is taken.
  bool queues() const { return queues_; }

  // The three sums of every segment, of the initial against the present weights.
  std::vector<AngleSums> angle_sums();

  Parameters& parameters() { return parameters_; }
  FlatBuffer& statistics() { return statistics_; }
  FlatBuffer& initial_weights() { return initial_weights_; }
  const Arena& arena() const { return arena_; }
  std::size_t fixed_bytes() const;

 private:
  // The phases of a step. A part of a batch is images first .. first+count-1.
  struct Part {
    int index, first, count;
  };
  int parts_of(const HostBatch& batch, const StepSpec& spec) const;
  Part part_of(const HostBatch& batch, const StepSpec& spec, int index) const;
  void forward_and_loss(const Forward& forward, const HostBatch& batch, const StepSpec& spec,
                        const Part& part, const PassOptions& options);
  void backward_of(const HostBatch& batch, bool last);
  void update(const StepSpec& spec);
  void read_losses(int parts);

  Executor(Backend& backend, const ModelBuilder& layout, std::unique_ptr<Arena> own, Arena* arena);
  Context& begin_pass(const PassOptions& options);
  HostView host_view(const float* values, std::size_t count);
  void wait_for_exchange();  // of the last step queued
  Tensor upload(const void* host, Shape shape, Layout layout, DType dtype);
  LossSums* loss_sums(int part) { return loss_sums_->as<LossSums>() + part; }
  void reserve_losses(int parts);

  Backend& backend_;
  Parameters parameters_;
  FlatBuffer statistics_, initial_weights_;
  AngleTables angle_tables_;
  std::unique_ptr<Arena> own_arena_;
  Arena& arena_;
  Tape tape_;
  std::optional<Context> context_;  // of the pass that the tape is about
  // Losses of the parts of a step, and where they go on the host.
  int loss_parts_ = 0;
  std::optional<DeviceBytes> loss_sums_;
  struct QueuedLoss {
    std::unique_ptr<Readback> readback;
    int parts = 0;
  };
  std::array<QueuedLoss, kQueuedSteps> losses_;
  bool queues_ = false;
  std::uint64_t steps_queued_ = 0, losses_taken_ = 0, exchanges_waited_for_ = 0;
  GradientExchange* exchange_ = nullptr;
  Mixture* mixture_ = nullptr;
};

}  // namespace rlnas
