#include "search/training_state.h"

#include "ops/classifier.h"

namespace rlnas {

TrainingState::TrainingState(Backend& backend, const ModelBuilder& layout, std::size_t arena_bytes)
    : backend_(backend),
      parameters_(backend, layout.parameters()),
      statistics_(backend, layout.statistics()),
      initial_weights_(backend, layout.parameters()),
      arena_(backend, arena_bytes),
      tape_(backend, arena_),
      loss_sums_(backend, sizeof(LossSums)) {
  for (std::unique_ptr<Readback>& loss : losses_) loss = backend.make_readback(sizeof(LossSums));
}

TrainingState::~TrainingState() {
  tape_.clear();
}

Tensor TrainingState::upload(const void* host, Shape shape, Layout layout, DType dtype) {
  Tensor tensor = make_tensor(arena_, shape, layout, dtype);
  backend_.upload(tensor.data<void>(), host, tensor.bytes());
  return tensor;
}

Tensor TrainingState::upload_images(const HostBatch& batch, AugmentSpec augment) {
  augment.batch = batch.count;
  const Shape shape = Shape::image(batch.count, augment.height, augment.width, AugmentSpec::kChannels);
  Tensor images = make_tensor(arena_, shape);
  const Tensor pixels = upload(batch.images.data(), shape, Layout::nhwc, DType::u8);
  const Tensor params =
      upload(batch.params.data(), Shape::matrix(batch.count, sizeof(AugmentParams)), Layout::flat, DType::u8);
  backend_.run(AugmentImages{.spec = augment,
                             .images = pixels.data<std::uint8_t>(),
                             .params = params.data<AugmentParams>(),
                             .y = images.data()});
  return images;
}

void TrainingState::set_exchange(GradientExchange* exchange) {
  exchange_ = exchange;
  parameters_.set_exchange(exchange);
}

void TrainingState::queue_step(const Forward& forward, const HostBatch& batch, const StepSpec& spec) {
  RLNAS_CHECK(steps_queued_ - losses_taken_ < kQueuedSteps, run_failed, "the losses of ", kQueuedSteps,
              " steps were not taken before another");
  Context context{backend_, arena_, tape_, parameters_, statistics_, Mode::train};
  tape_.begin_stage("input");
  Tensor images = upload_images(batch, spec.augment);
  const Tensor labels = upload(batch.labels.data(), Shape::matrix(batch.count, 1), Layout::flat, DType::i32);
  {
    const Tensor logits = forward(context, images);
    images = {};
    tape_.begin_stage("loss");
    cross_entropy(context, logits, labels, spec.label_smoothing, loss_sums_.as<LossSums>());
    for (const Context::WeightedLogits& extra : context.auxiliary)
      add_weighted_loss(context, extra.logits, labels, spec.label_smoothing, extra.weight);
    context.auxiliary.clear();
  }
  wait_for_exchange();  // the last step's, while this one's forward pass is queued
  if (exchange_ != nullptr)
    exchange_->begin(parameters_.gradient().data(), std::size_t(parameters_.table().buffer_count()),
                     double(batch.count) / batch.global_count);
  tape_.backward();
  if (exchange_ != nullptr) exchange_->finish();
  tape_.begin_stage("optimiser");
  parameters_.sgd_step(spec.sgd, spec.unsampled, spec.max_gradient_norm);
  losses_[steps_queued_++ % kQueuedSteps]->start(loss_sums_.as<LossSums>());
}

std::vector<float> TrainingState::logits(const Forward& forward, const HostBatch& batch,
                                         AugmentSpec augment) {
  Context context{backend_, arena_, tape_, parameters_, statistics_, Mode::evaluate};
  tape_.begin_stage("input");
  Tensor images = upload_images(batch, augment);
  const Tensor logits = forward(context, images);
  tape_.clear();
  std::vector<float> host(logits.count());
  backend_.download(host.data(), logits.data(), logits.bytes());
  return host;
}

void TrainingState::wait_for_exchange() {
  if (exchange_ != nullptr && exchanges_waited_for_ < steps_queued_) exchange_->wait();
  exchanges_waited_for_ = steps_queued_;
}

LossSums TrainingState::take_loss() {
  RLNAS_CHECK(losses_taken_ < steps_queued_, run_failed, "a loss was taken that no step was queued for");
  if (losses_taken_ + 1 == steps_queued_) wait_for_exchange();
  return *static_cast<const LossSums*>(losses_[losses_taken_++ % kQueuedSteps]->wait());
}

std::vector<AngleSums> TrainingState::angle_sums() {
  const int segments = parameters_.table().size();
  const int blocks = parameters_.block_count();
  std::vector<AngleSums> host(static_cast<std::size_t>(segments));
  const Buffer device = arena_.allocate(host.size() * sizeof(AngleSums));
  const ScopedWorkspace workspace(arena_, backend_.workspace_bytes(TakeAngleSums{.block_count = blocks}));
  auto* sums = static_cast<AngleSums*>(device.data());
  backend_.run(TakeAngleSums{.blocks = parameters_.device_blocks(),
                             .block_count = blocks,
                             .segment_count = segments,
                             .w0 = initial_weights_.data(),
                             .w1 = parameters_.weights().data(),
                             .sums = sums},
               workspace);
  backend_.download(host.data(), sums, host.size() * sizeof(AngleSums));
  return host;
}

std::size_t TrainingState::fixed_bytes() const {
  const auto bytes = [](const FlatBuffer& buffer) {
    return std::size_t(buffer.table().buffer_count()) * sizeof(float);
  };
  return parameters_.device_bytes() + bytes(statistics_) + bytes(initial_weights_) + sizeof(LossSums);
}

}  // namespace rlnas
