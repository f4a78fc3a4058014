#include "search/executor.h"

#include <algorithm>
#include <utility>

#include "ops/classifier.h"
#include "ops/mixture.h"

namespace rlnas {

Executor::Executor(Backend& backend, const ModelBuilder& layout, std::size_t arena_bytes)
    : Executor(backend, layout, std::make_unique<Arena>(backend, arena_bytes), nullptr) {}

Executor::Executor(Backend& backend, const ModelBuilder& layout, Arena& arena)
    : Executor(backend, layout, nullptr, &arena) {}

Executor::Executor(Backend& backend, const ModelBuilder& layout, std::unique_ptr<Arena> own, Arena* arena)
    : backend_(backend),
      parameters_(backend, layout.parameters()),
      statistics_(backend, layout.statistics()),
      initial_weights_(backend, layout.parameters()),
      angle_tables_(backend, layout.parameters()),
      own_arena_(std::move(own)),
      arena_(own_arena_ ? *own_arena_ : *arena),
      tape_(backend, arena_) {
  reserve_losses(1);
}

Executor::~Executor() {
  tape_.clear();
}

void Executor::reserve_losses(int parts) {
  if (parts <= loss_parts_) return;
  RLNAS_CHECK(steps_queued_ == losses_taken_, run_failed, "a step of more parts while others are queued");
  loss_parts_ = parts;
  const std::size_t bytes = std::size_t(parts) * sizeof(LossSums);
  loss_sums_.emplace(backend_, bytes);
  for (QueuedLoss& loss : losses_) loss.readback = backend_.make_readback(bytes);
  queues_ = losses_.front().readback->is_asynchronous();
}

// ---- passes

namespace {

Mode mode_of(const PassOptions& options) {
  if (options.statistics == Statistics::running) return options.gradients ? Mode::frozen : Mode::evaluate;
  return options.gradients ? Mode::train : Mode::measure;
}

float momentum_of(Statistics statistics) {
  return statistics == Statistics::follow ? BatchNormSpec{}.momentum : 0.0f;
}

}  // namespace

Context& Executor::begin_pass(const PassOptions& options) {
  tape_.clear();
  if (parameters_.rounds_weights()) {
    tape_.begin_stage("weights");
    parameters_.round_weights();
  }
  context_.emplace(Context{.backend = backend_,
                           .arena = arena_,
                           .tape = tape_,
                           .parameters = parameters_,
                           .statistics = statistics_,
                           .mode = mode_of(options),
                           .statistics_momentum = momentum_of(options.statistics),
                           .weight_gradients = options.weight_gradients,
                           .mixture = mixture_,
                           .mixture_gradients = options.mixture_gradients});
  return *context_;
}

Tensor Executor::upload(const void* host, Shape shape, Layout layout, DType dtype) {
  Tensor tensor = make_tensor(arena_, shape, layout, dtype);
  backend_.upload(tensor.data<void>(), host, tensor.bytes());
  return tensor;
}

namespace {

// Where element `first` is; of the empty batch of a dry run nothing is.
template <class T>
const T* from(const std::vector<T>& values, std::size_t first) {
  return values.empty() ? nullptr : values.data() + first;
}

}  // namespace

Tensor Executor::tensor(const std::vector<float>& values, Shape shape, Layout layout) {
  RLNAS_CHECK(values.size() == shape.count(), run_failed, "a tensor of ", shape.count(), " values given ",
              values.size());
  return upload(values.data(), shape, layout, DType::f32);
}

std::vector<float> Executor::host(const Tensor& tensor) {
  std::vector<float> values(tensor.count());
  if (tensor.dtype == DType::bf16) {
    std::vector<Bf16> stored(tensor.count());
    backend_.download(stored.data(), tensor.data<void>(), tensor.bytes());
    std::transform(stored.begin(), stored.end(), values.begin(), float_of);
  } else {
    backend_.download(values.data(), tensor.data<void>(), tensor.bytes());
  }
  return values;
}

Tensor Executor::labels(const std::vector<std::int32_t>& labels) {
  return upload(labels.data(), Shape::matrix(int(labels.size()), 1), Layout::flat, DType::i32);
}

Executor::HostView Executor::host_view(const float* values, std::size_t count) {
  HostView view;
  if (const void* const here = backend_.host_view(values)) {
    view.view_ = {static_cast<const float*>(here), count};
  } else {
    view.copy_.resize(count);
    backend_.download(view.copy_.data(), values, count * sizeof(float));
  }
  return view;
}

Tensor Executor::upload_images(const HostBatch& batch, AugmentSpec augment, int first, int count) {
  if (count < 0) count = batch.count - first;
  augment.batch = count;
  const Shape shape = Shape::image(count, augment.height, augment.width, AugmentSpec::kChannels);
  Tensor images = make_tensor(arena_, shape, Layout::nhwc, dtype_of(backend_.activation_type()));
  const std::size_t image_bytes = std::size_t(augment.height) * augment.width * AugmentSpec::kChannels;
  const Tensor pixels =
      upload(from(batch.images, std::size_t(first) * image_bytes), shape, Layout::nhwc, DType::u8);
  const Tensor params = upload(from(batch.params, std::size_t(first)),
                               Shape::matrix(count, sizeof(AugmentParams)), Layout::flat, DType::u8);
  backend_.run(AugmentImages{.spec = augment,
                             .images = pixels.data<std::uint8_t>(),
                             .params = params.data<AugmentParams>(),
                             .y = images.data()});
  return images;
}

Program::Result Executor::forward(const Program& program, const Tensor& images, const PassOptions& options) {
  return program.run(begin_pass(options), images, options.drops);
}

Tensor Executor::forward(const Forward& forward, const Tensor& images, const PassOptions& options) {
  return forward(begin_pass(options), images);
}

void Executor::backward(const Program::Result& result, Tensor logits_seed, Tape::After after) {
  if (logits_seed) {
    RLNAS_CHECK(logits_seed.shape == result.logits.shape, run_failed,
                "a seed of another shape than the logits");
    tape_.add_gradient(result.logits, std::move(logits_seed));
  }
  tape_.backward(after);
}

Tensor Executor::loss_gradient(const Tensor& logits, const Tensor& labels) {
  Tensor gradient = make_tensor(arena_, logits.shape, Layout::matrix);
  backend_.run(CrossEntropy{.spec = {.batch = logits.n(), .classes = logits.c()},
                            .logits = logits.data(),
                            .labels = labels.data<std::int32_t>(),
                            .dlogits = gradient.data(),
                            .sums = loss_sums(0)});
  return gradient;
}

void Executor::recalibrate(const Program& program, std::span<const HostBatch> batches,
                           const AugmentSpec& augment) {
  for (std::size_t i = 0; i < batches.size(); ++i) {
    Context& context = begin_pass({.statistics = Statistics::batch});
    context.statistics_momentum = 1.0f / float(i + 1);
    program.run(context, upload_images(batches[i], augment), {});
  }
}

std::vector<float> Executor::logits(const Forward& forward, const HostBatch& batch,
                                    const AugmentSpec& augment) {
  Context& context = begin_pass({.statistics = Statistics::running});
  tape_.begin_stage("input");
  const Tensor images = upload_images(batch, augment);
  return host(forward(context, images));
}

// ---- the training step

namespace {

int part_size(const HostBatch& batch, const StepSpec& spec) {
  return spec.micro_batch > 0 ? std::min(spec.micro_batch, batch.count) : batch.count;
}

LossSums total_of(const LossSums* sums, int parts) {
  LossSums total;
  for (int i = 0; i < parts; ++i) {
    total.loss += sums[i].loss;
    total.correct += sums[i].correct;
  }
  return total;
}

}  // namespace

int Executor::parts_of(const HostBatch& batch, const StepSpec& spec) const {
  const int size = part_size(batch, spec);
  return std::max(1, (batch.count + size - 1) / std::max(1, size));
}

Executor::Part Executor::part_of(const HostBatch& batch, const StepSpec& spec, int index) const {
  const int first = index * part_size(batch, spec);
  return {index, first, std::min(part_size(batch, spec), batch.count - first)};
}

void Executor::forward_and_loss(const Forward& forward, const HostBatch& batch, const StepSpec& spec,
                                const Part& part, const PassOptions& options) {
  Context& context = begin_pass(options);
  tape_.begin_stage("input");
  Tensor images = upload_images(batch, spec.augment, part.first, part.count);
  const Tensor labels = upload(from(batch.labels, std::size_t(part.first)), Shape::matrix(part.count, 1),
                               Layout::flat, DType::i32);
  const Tensor logits = forward(context, images);
  images = {};
  tape_.begin_stage("loss");
  // The gradient is the mean over the batch: a part's own mean counts by its share.
  const float share = float(part.count) / float(batch.count);
  cross_entropy(context, logits, labels, spec.label_smoothing, loss_sums(part.index), share);
  for (const Context::WeightedLogits& extra : context.auxiliary)
    add_weighted_loss(context, extra.logits, labels, spec.label_smoothing, share * extra.weight);
  context.auxiliary.clear();
}

// The gradients of the last part are final as they come.
void Executor::backward_of(const HostBatch& batch, bool last) {
  if (last && exchange_ != nullptr) {
    wait_for_exchange();  // the last step's, while this one's forward pass is queued
    parameters_.set_exchange(exchange_);
    exchange_->begin(parameters_.gradient().data(), std::size_t(parameters_.table().buffer_count()),
                     double(batch.count) / batch.global_count);
  }
  tape_.backward();
  if (!last || exchange_ == nullptr) return;
  exchange_->finish();
  parameters_.set_exchange(nullptr);
}

void Executor::update(const StepSpec& spec) {
  tape_.begin_stage("optimiser");
  parameters_.sgd_step(spec.sgd, spec.unsampled, spec.max_gradient_norm);
}

void Executor::read_losses(int parts) {
  QueuedLoss& loss = losses_[steps_queued_++ % kQueuedSteps];
  loss.parts = parts;
  loss.readback->start(loss_sums_->as<LossSums>());
}

void Executor::queue_step(const Forward& forward, const HostBatch& batch, const StepSpec& spec) {
  RLNAS_CHECK(steps_queued_ - losses_taken_ < kQueuedSteps, run_failed, "the losses of ", kQueuedSteps,
              " steps were not taken before another");
  const int parts = parts_of(batch, spec);
  reserve_losses(parts);
  for (int i = 0; i < parts; ++i) {
    forward_and_loss(forward, batch, spec, part_of(batch, spec, i),
                     {.statistics = Statistics::follow, .gradients = true});
    backward_of(batch, i + 1 == parts);
  }
  update(spec);
  read_losses(parts);
}

LossSums Executor::mixture_pass(const Forward& forward, const HostBatch& batch, const StepSpec& spec,
                                std::vector<double>& gradients) {
  const int parts = parts_of(batch, spec);
  reserve_losses(parts);
  wait_for_exchange();  // what the ranks tell each other comes in the same order on all
  gradients.assign(std::size_t(mixture_->weights()), 0.0);
  for (int i = 0; i < parts; ++i) {
    forward_and_loss(forward, batch, spec, part_of(batch, spec, i),
                     {.statistics = Statistics::follow,
                      .gradients = true,
                      .weight_gradients = false,
                      .mixture_gradients = true});
    tape_.backward();
    const std::vector<double> part = mixture_->gradients();
    for (std::size_t w = 0; w < part.size(); ++w) gradients[w] += part[w];
  }
  std::vector<LossSums> sums(static_cast<std::size_t>(parts));
  backend_.download(sums.data(), loss_sums(0), sums.size() * sizeof(LossSums));
  return total_of(sums.data(), parts);
}

void Executor::wait_for_exchange() {
  if (exchange_ != nullptr && exchanges_waited_for_ < steps_queued_) exchange_->wait();
  exchanges_waited_for_ = steps_queued_;
}

LossSums Executor::take_loss() {
  RLNAS_CHECK(losses_taken_ < steps_queued_, run_failed, "a loss was taken that no step was queued for");
  if (losses_taken_ + 1 == steps_queued_) wait_for_exchange();
  const QueuedLoss& loss = losses_[losses_taken_++ % kQueuedSteps];
  return total_of(static_cast<const LossSums*>(loss.readback->wait()), loss.parts);
}

std::vector<AngleSums> Executor::angle_sums() {
  std::vector<AngleSums> host(std::size_t(parameters_.table().size()));
  const Buffer device = arena_.allocate(host.size() * sizeof(AngleSums));
  auto* sums = static_cast<AngleSums*>(device.data());
  TakeAngleSums call = angle_tables_.call();
  call.w0 = initial_weights_.data();
  call.w1 = {parameters_.weights().data()};
  call.sums = sums;
  const ScopedWorkspace workspace(arena_, backend_.workspace_bytes(call));
  backend_.run(call, workspace);
  backend_.download(host.data(), sums, host.size() * sizeof(AngleSums));
  return host;
}

std::size_t Executor::fixed_bytes() const {
  const auto bytes = [](const FlatBuffer& buffer) {
    return std::size_t(buffer.table().buffer_count()) * sizeof(float);
  };
  return parameters_.device_bytes() + bytes(statistics_) + bytes(initial_weights_) +
         angle_tables_.device_bytes() + sizeof(LossSums);
}

}  // namespace rlnas
