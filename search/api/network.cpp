// network::Network: an Executor over one graph, with images and labels of the caller's.
#include "rlnas/network.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "engine/interruption.h"
#include "engine/philox.h"
#include "engine/schedule.h"
#include "kernels/check.h"
#include "kernels/dry/dry_backend.h"
#include "ops/network_layout.h"
#include "search/api/device_state.h"
#include "search/api/network_graph.h"
#include "search/executor.h"

namespace rlnas::network {
namespace {

rlnas::Statistics engine_statistics(Statistics statistics) {
  switch (statistics) {
    case Statistics::batch:
      return rlnas::Statistics::batch;
    case Statistics::follow:
      return rlnas::Statistics::follow;
    case Statistics::running:
      break;
  }
  return rlnas::Statistics::running;
}

rlnas::Shape batch_shape(const FeatureShape& image, int count) {
  return rlnas::Shape::image(count, image.height, image.width, image.channels);
}

const rlnas::Graph& complete(const rlnas::Graph& graph) {
  RLNAS_CHECK(!graph.outputs().empty(), usage, "the graph has no output: say which node has the logits");
  return graph;
}

// The mean loss's gradient by the logits, and the sums of the loss, on the device.
rlnas::Tensor loss_seed(Backend& backend, Arena& arena, const rlnas::Tensor& logits,
                        const rlnas::Tensor& labels, double smoothing, LossSums* sums) {
  rlnas::Tensor seed = make_tensor(arena, logits.shape, Layout::matrix);
  const CrossEntropy call{
      .spec = {.batch = logits.n(), .classes = logits.c(), .label_smoothing = float(smoothing)},
      .logits = logits.data(),
      .labels = labels.data<std::int32_t>(),
      .dlogits = seed.data(),
      .sums = sums};
  const ScopedWorkspace workspace(arena, backend.workspace_bytes(call));
  backend.run(call, workspace);
  return seed;
}

void update(Parameters& parameters, const Sgd& sgd) {
  parameters.sgd_step({.learning_rate = sgd.learning_rate,
                       .momentum = sgd.momentum,
                       .weight_decay = sgd.weight_decay,
                       .nesterov = sgd.nesterov},
                      Unsampled::coast, sgd.max_gradient_norm);
}

Plan plan_of(Backend& backend, const rlnas::Graph& graph, const NetworkLayout& layout, int images) {
  RLNAS_CHECK(images > 0, usage, "a batch of ", images, " images");
  Plan plan;
  const std::unique_ptr<Backend> dry = make_dry_backend(&plan.calls, &backend, [] { check_interruption(); });
  Arena arena(*dry, kDryArenaBytes);
  Executor executor(*dry, layout.tensors(), arena);
  plan.calls.clear();
  const Program program(graph, layout, {.trains = true});
  const rlnas::Tensor input = make_tensor(arena, batch_shape(graph[0].shape, images));
  const rlnas::Tensor labels = make_tensor(arena, rlnas::Shape::matrix(images, 1), Layout::flat, DType::i32);
  const Program::Result result =
      executor.forward(program, input, {.statistics = rlnas::Statistics::follow, .gradients = true});
  executor.backward(result, loss_seed(*dry, arena, result.logits, labels, 0.0, nullptr));
  update(executor.parameters(), {});
  plan.step_memory_bytes = arena.peak_bytes();
  plan.fixed_memory_bytes = executor.fixed_bytes();
  return plan;
}

// What `body` makes, unless it is told to stop.
template <class Body>
auto unless_stopped(const std::function<bool()>& should_stop, const Body& body) {
  const InterruptionScope interruption(should_stop);
  try {
    return body();
  } catch (const Interrupted&) {
    fail(ErrorCode::interrupted, "interrupted");
  }
}

}  // namespace

Plan plan_step(const kernels::Device& device, const Graph& graph, int images,
               const std::function<bool()>& should_stop) {
  const rlnas::Graph& whole = complete(graph.state().graph);
  const NetworkLayout layout(whole, Initializer::pytorch);
  return unless_stopped(should_stop,
                        [&] { return plan_of(device.state().backend(), whole, layout, images); });
}

// ---- Network

struct Network::State {
  State(const kernels::Device& on, const rlnas::Graph& whole, const Options& how)
      : device(on),
        graph(complete(whole)),
        options(how),
        layout(graph, how.initializer),
        arena(backend(), plan_of(backend(), graph, layout, how.batch).step_memory_bytes),
        executor(backend(), layout.tensors(), arena),
        loss(backend(), sizeof(LossSums)) {}

  Backend& backend() const { return device.state().backend(); }
  int classes() const { return graph[graph.outputs().front().node].shape.channels; }
  int images_of(std::span<const float> images) const;
  void check(const Data& data) const;
  const Program& program(bool trains, const std::vector<Node>& taps);
  // Which buffer has a tensor, and where.
  struct Place {
    FlatBuffer* buffer;
    int segment;
    const Segment& info() const { return buffer->table()[segment]; }
  };
  Place find(const std::string& name);
  std::vector<float> download(const Place& place) const;

  rlnas::Tensor upload(const void* values, rlnas::Shape shape, Layout how, DType type) {
    rlnas::Tensor tensor = make_tensor(arena, shape, how, type);
    backend().upload(tensor.data<void>(), values, tensor.bytes());
    return tensor;
  }
  const Program::Result& forward(std::span<const float> images, const Pass& pass);
  LossSums read_loss() {
    LossSums sums;
    backend().download(&sums, loss.as<void>(), sizeof sums);
    return sums;
  }
  LossSums gradients(const Data& batch, double smoothing);

  kernels::Device device;
  rlnas::Graph graph;
  Options options;
  NetworkLayout layout;
  Arena arena;
  Executor executor;
  DeviceBytes loss;
  std::map<std::pair<bool, std::vector<Node>>, Program> programs;
  std::int64_t passes = 0;                // with gradients: drops draw anew in each
  std::optional<Program::Result> result;  // of the last pass, while a backward pass may follow
};

int Network::State::images_of(std::span<const float> images) const {
  const FeatureShape& of = graph[0].shape;
  const std::size_t each = batch_shape(of, 1).count();
  RLNAS_CHECK(!images.empty() && images.size() % each == 0, usage, images.size(),
              " floats are not images of ", of.height, "x", of.width, "x", of.channels);
  return int(images.size() / each);
}

void Network::State::check(const Data& data) const {
  const int count = images_of(data.images);
  RLNAS_CHECK(std::size_t(count) == data.labels.size(), usage, count, " images with ", data.labels.size(),
              " labels");
  for (const std::int32_t label : data.labels)
    RLNAS_CHECK(label >= 0 && label < classes(), usage, "label ", label, ": the network has ", classes(),
                " classes");
}

const Program& Network::State::program(bool trains, const std::vector<Node>& taps) {
  const auto known = programs.find({trains, taps});
  if (known != programs.end()) return known->second;
  ProgramOptions how{.trains = trains,
                     .drops_paths = trains && options.drop_path > 0.0,
                     .drops_values = trains && options.dropout > 0.0};
  for (const Node tap : taps) {
    RLNAS_CHECK(int(tap) >= 0 && int(tap) < graph.size(), usage, "no node ", int(tap), " to tap");
    RLNAS_CHECK(!trains || graph[int(tap)].kind != NodeKind::activation, usage, "node ", int(tap),
                " is an activation, where no gradient can be told of: tap what it takes");
    how.taps.push_back(int(tap));
  }
  return programs.emplace(std::pair(trains, taps), Program(graph, layout, how)).first->second;
}

const Program::Result& Network::State::forward(std::span<const float> images, const Pass& pass) {
  const int count = images_of(images);
  const Program& along = program(pass.gradients, pass.taps);
  result.reset();
  const auto drop = [&](double probability) {
    return DropSpec{.probability = probability, .seed = options.seed, .step = passes};
  };
  const PassOptions how{.statistics = engine_statistics(pass.statistics),
                        .gradients = pass.gradients,
                        .drops = {drop(options.drop_path), drop(options.dropout)}};
  if (pass.gradients) ++passes;
  const rlnas::Tensor input =
      upload(images.data(), batch_shape(graph[0].shape, count), Layout::nhwc, DType::f32);
  result = executor.forward(along, input, how);
  return *result;
}

LossSums Network::State::gradients(const Data& batch, double smoothing) {
  const Program::Result& pass =
      forward(batch.images, {.statistics = Statistics::follow, .gradients = true, .taps = {}});
  const rlnas::Tensor labels = upload(batch.labels.data(), rlnas::Shape::matrix(int(batch.labels.size()), 1),
                                      Layout::flat, DType::i32);
  executor.backward(pass, loss_seed(backend(), arena, pass.logits, labels, smoothing, loss.as<LossSums>()));
  result.reset();
  return read_loss();
}

Network::State::Place Network::State::find(const std::string& name) {
  for (FlatBuffer* const buffer : {&executor.parameters().weights(), &executor.statistics()}) {
    const int segment = buffer->table().find(name);
    if (segment >= 0) return {buffer, segment};
  }
  fail(ErrorCode::usage, "the network has no tensor ", name);
}

std::vector<float> Network::State::download(const Place& place) const {
  std::vector<float> values(std::size_t(place.info().count));
  backend().download(values.data(), place.buffer->at(place.segment), values.size() * sizeof(float));
  return values;
}

Network::Network(const kernels::Device& device, const Graph& graph, const Options& options,
                 const std::function<bool()>& should_stop)
    : state_(unless_stopped(should_stop,
                            [&] { return std::make_unique<State>(device, graph.state().graph, options); })) {
  for (const double probability : {options.dropout, options.drop_path})
    RLNAS_CHECK(probability >= 0.0 && probability < 1.0, usage, "a probability of ", probability);
  const ModelBuilder& layout = state_->layout.tensors();
  state_->executor.parameters().weights().upload(layout.initial_parameters(options.seed));
  state_->executor.statistics().upload(layout.initial_statistics());
  mark_initial();
}

Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

Values Network::forward(std::span<const float> images, const Pass& pass) {
  const Program::Result& result = state_->forward(images, pass);
  Values values{.logits = state_->executor.host(result.logits), .taps = {}};
  for (const rlnas::Tensor& tap : result.taps) values.taps.push_back(state_->executor.host(tap));
  return values;
}

std::vector<std::vector<float>> Network::backward(std::span<const float> seed) {
  RLNAS_CHECK(state_->result && state_->result->logits.variable >= 0, usage,
              "no pass with gradients to go back through");
  const Program::Result result = *std::exchange(state_->result, std::nullopt);
  RLNAS_CHECK(seed.size() == result.logits.count(), usage, "a seed of ", seed.size(), " values for ",
              result.logits.count(), " logits");
  state_->executor.backward(result,
                            state_->upload(seed.data(), result.logits.shape, Layout::matrix, DType::f32));
  std::vector<std::vector<float>> arrived;
  if (result.tap_gradients)
    for (const rlnas::Tensor& one : result.tap_gradients->arrived)
      arrived.push_back(one ? state_->executor.host(one) : std::vector<float>{});
  return arrived;
}

Loss Network::gradients(const Data& batch, double label_smoothing) {
  state_->check(batch);
  const LossSums sums = state_->gradients(batch, label_smoothing);
  return {sums.loss, sums.correct, std::int64_t(batch.labels.size())};
}

void Network::step(const Sgd& sgd) {
  update(state_->executor.parameters(), sgd);
}

void Network::forget_gradients() {
  state_->executor.forget_gradients();
}

namespace {

void add(Loss& to, const Loss& one) {
  to.sum += one.sum;
  to.correct += one.correct;
  to.images += one.images;
}

}  // namespace

Loss Network::fit(const Data& data, const FitOptions& options, const Callbacks& callbacks) {
  state_->check(data);
  RLNAS_CHECK(options.epochs >= 0 && options.batch > 0, usage, "fit: ", options.epochs,
              " epochs of batches of ", options.batch);
  const std::size_t count = data.labels.size(), each = data.images.size() / count,
                    batch = std::min(std::size_t(options.batch), count);
  const ScheduleSpec schedule{.kind = options.schedule,
                              .initial = options.learning_rate,
                              .minimum = options.min_learning_rate,
                              .epochs = options.epochs,
                              .steps_per_epoch = int((count + batch - 1) / batch),
                              .full_batches = int(count / batch)};
  Progress progress{.steps = std::int64_t(options.epochs) * schedule.steps_per_epoch, .loss = {}};
  std::vector<float> images;
  std::vector<std::int32_t> labels;
  std::vector<std::size_t> order(count);
  for (; progress.epoch < options.epochs; ++progress.epoch) {
    std::iota(order.begin(), order.end(), std::size_t{0});
    RandomStream(state_->options.seed, "network-order", std::uint64_t(progress.epoch)).shuffle(order);
    progress.loss = {};
    for (std::size_t first = 0; first < count; first += batch) {
      if (callbacks.should_stop && callbacks.should_stop()) return progress.loss;
      images.clear();
      labels.clear();
      for (std::size_t i = first; i < std::min(count, first + batch); ++i) {
        const float* const image = data.images.data() + order[i] * each;
        images.insert(images.end(), image, image + each);
        labels.push_back(data.labels[order[i]]);
      }
      const LossSums sums = state_->gradients({images, labels}, options.label_smoothing);
      step({.learning_rate = float(learning_rate(schedule, progress.step)),
            .momentum = float(options.momentum),
            .weight_decay = float(options.weight_decay),
            .nesterov = options.nesterov,
            .max_gradient_norm = float(options.max_gradient_norm)});
      ++progress.step;
      add(progress.loss, {sums.loss, sums.correct, std::int64_t(labels.size())});
      if (callbacks.progress) callbacks.progress(progress);
    }
  }
  return progress.loss;
}

Loss Network::evaluate(const Data& data, int batch, const Callbacks& callbacks) {
  state_->check(data);
  RLNAS_CHECK(batch > 0, usage, "evaluate: batches of ", batch);
  Loss all;
  Progress progress;
  const std::size_t count = data.labels.size(), each = data.images.size() / count, some = std::size_t(batch);
  progress.steps = std::int64_t((count + some - 1) / some);
  for (std::size_t first = 0; first < count; first += some) {
    if (callbacks.should_stop && callbacks.should_stop()) break;
    const std::size_t here = std::min(some, count - first);
    const Program::Result& result = state_->forward(data.images.subspan(first * each, here * each), {});
    const rlnas::Tensor labels = state_->upload(data.labels.data() + first,
                                                rlnas::Shape::matrix(int(here), 1), Layout::flat, DType::i32);
    loss_seed(state_->backend(), state_->arena, result.logits, labels, 0.0, state_->loss.as<LossSums>());
    const LossSums sums = state_->read_loss();
    add(all, {sums.loss, sums.correct, std::int64_t(here)});
    ++progress.step;
    progress.loss = all;
    if (callbacks.progress) callbacks.progress(progress);
  }
  return all;
}

std::vector<Tensor> Network::tensors() const {
  std::vector<Tensor> all;
  const ModelBuilder& layout = state_->layout.tensors();
  for (const Segment& segment : layout.parameters()) all.push_back({segment.name, segment.shape, true});
  for (const Segment& segment : layout.statistics()) all.push_back({segment.name, segment.shape, false});
  return all;
}

std::vector<float> Network::get(const std::string& name) const {
  return state_->download(state_->find(name));
}

void Network::set(const std::string& name, std::span<const float> values) {
  const State::Place place = state_->find(name);
  RLNAS_CHECK(values.size() == std::size_t(place.info().count), usage, name, " has ", place.info().count,
              " values, not ", values.size());
  state_->backend().upload(place.buffer->at(place.segment), values.data(), values.size() * sizeof(float));
  state_->backend().synchronize();
}

std::vector<float> Network::gradient(const std::string& name) const {
  Parameters& parameters = state_->executor.parameters();
  const int segment = parameters.table().find(name);
  RLNAS_CHECK(segment >= 0, usage, "the network trains no tensor ", name);
  return state_->download({&parameters.gradient(), segment});
}

std::vector<AngleSums> Network::angle_sums() {
  return state_->executor.angle_sums();
}

void Network::mark_initial() {
  state_->executor.initial_weights().upload(state_->executor.parameters().weights().download());
}

}  // namespace rlnas::network
