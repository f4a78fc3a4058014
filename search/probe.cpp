#include "search/probe.h"

#include <cmath>

#include "kernels/check.h"
#include "kernels/dry/dry_backend.h"

namespace rlnas {
namespace {

Initializer any_initializer() {
  return Initializer::pytorch;  // none of its numbers are used
}

}  // namespace

Probe::Probe(Backend& backend, const Space& space, const ProbeOptions& options, MakeDraws make_draws,
             const ProbeImages* images)
    : backend_(backend),
      space_(space),
      options_(options),
      make_draws_(std::move(make_draws)),
      images_(images),
      arena_(std::make_unique<Arena>(backend, planned_bytes(backend, space, options))) {
  use_draw(0);
}

void Probe::use_draw(int draw) {
  while (int(draws_.size()) <= draw) draws_.push_back(make_draws_(int(draws_.size())));
  if (draw != draw_) {
    network_.reset();
    kept_.clear();
  }
  draw_ = draw;
}

std::size_t Probe::planned_bytes(Backend& backend, const Space& space, const ProbeOptions& options) {
  const Genes largest = space.largest();
  const Graph graph = space.network(options.network, {&largest, 1});
  const NetworkLayout layout(graph, any_initializer());
  std::vector<RecordedCall> calls;
  const std::unique_ptr<Backend> dry = make_dry_backend(&calls, &backend);
  Executor executor(*dry, layout.tensors(), kDryArenaBytes);
  const auto anything = [&](Shape shape, Layout order) {
    return executor.tensor(std::vector<float>(shape.count()), shape, order);
  };
  const FeatureShape input = graph[0].shape;
  const Tensor images =
      anything(Shape::image(options.batch, input.height, input.width, input.channels), Layout::nhwc);
  std::vector<int> taps;
  for (const Graph::Feature& feature : graph.features()) taps.push_back(feature.node);
  const Program::Result result = executor.forward(Program(graph, layout, {.taps = taps}), images,
                                                  {.statistics = Statistics::batch, .gradients = true});
  executor.backward(result, anything(result.logits.shape, Layout::matrix));
  return executor.arena().peak_bytes();
}

std::vector<Graph::Feature> Probe::Network::features() const {
  std::vector<Graph::Feature> maps;
  for (const Graph::Feature& feature : graph.features())
    if (feature.name != "features") maps.push_back(feature);
  return maps;
}

bool Probe::is_alive(const Genes& genes) const {
  const Graph graph = space_.network(options_.network, {&genes, 1});
  std::vector<char> reached(std::size_t(graph.size()), 0);
  reached.front() = 1;
  for (int n = 1; n < graph.size(); ++n)
    for (const int input : graph[n].inputs) reached[std::size_t(n)] |= reached[std::size_t(input)];
  return reached[std::size_t(graph.outputs().front().node)] != 0;
}

Probe::Network& Probe::network(const Genes& genes, WeightScale scale) {
  if (network_ && genes == genes_ && scale == scale_) return *network_;
  network_.reset();
  Graph graph = space_.network(options_.network, {&genes, 1});
  NetworkLayout layout(graph, any_initializer());
  network_.reset(
      new Network{std::move(graph), layout, Executor(backend_, layout.tensors(), *arena_), weights_});
  genes_ = genes;
  scale_ = scale;
  Executor& executor = network_->executor;
  draw_weights(layout.tensors().parameters(), scale);
  executor.parameters().weights().upload(weights_);
  executor.statistics().upload(layout.tensors().initial_statistics());
  return *network_;
}

void Probe::draw_weights(const SegmentTable& table, WeightScale scale) {
  weights_.assign(std::size_t(table.buffer_count()), 0.0f);
  bool is_linear = false;  // of the segment before
  for (const Segment& segment : table) {
    const std::size_t dims = segment.shape.size();
    const bool is_bias_of_linear = is_linear && dims == 1,
               is_gamma = dims == 1 && segment.name.ends_with(".weight");
    is_linear = dims == 2;
    double deviation = draws().affine_deviation();
    if (dims > 1) {
      const double fan_in = double(segment.count) / double(segment.shape.front());
      deviation = scale == WeightScale::unit ? 1.0 : std::sqrt(2.0 / fan_in);
    }
    const double mean = is_gamma ? 1.0 : 0.0;
    float* const first = weights_.data() + segment.offset;
    std::fill(first, first + segment.count, float(mean));
    if (deviation == 0.0 || is_bias_of_linear) continue;
    const std::vector<float>& normal = draws().normal(segment.name, std::size_t(segment.count));
    for (std::size_t i = 0; i < normal.size(); ++i) first[i] = float(mean + deviation * normal[i]);
  }
}

const Tensor& Probe::kept(const std::string& name, Shape shape, const std::vector<float>& values) {
  Tensor& tensor = kept_[{name, shape.count()}];
  if (!tensor) tensor = network_->executor.tensor(values, shape);
  return tensor;
}

const Tensor& Probe::signs(const std::string& name, Shape shape) {
  return kept("signs " + name, shape, draws().signs(name, shape.count()));
}

const Tensor& Probe::kept_labels(const std::string& name, const std::vector<std::int32_t>& labels) {
  Tensor& tensor = kept_[{name, labels.size()}];
  if (!tensor) tensor = network_->executor.labels(labels);
  return tensor;
}

Shape Probe::image_shape(int count) const {
  const int size = options_.network.image_size;
  return Shape::image(count, size, size, 3);
}

const Tensor& Probe::noise(const std::string& name, int count) {
  const Shape shape = image_shape(count > 0 ? count : options_.batch);
  return kept(name, shape, draws().normal(name, shape.count()));
}

const Tensor& Probe::noise_part(int first, int count) {
  const std::vector<float>& images = draws().normal("input", image_shape(options_.batch).count());
  const Shape shape = image_shape(count);
  const auto pixel = images.begin() + std::ptrdiff_t(image_shape(first).count());
  return kept("input from " + std::to_string(first), shape, {pixel, pixel + std::ptrdiff_t(shape.count())});
}

Probe::HostBatch Probe::host_data(int index) {
  if (images_ != nullptr) {
    const ProbeImages::Batch& batch = images_->batch(draw_, index);
    return {batch.images, batch.labels};
  }
  const std::string suffix = index == 0 ? "" : " " + std::to_string(index);
  return {draws().normal("input" + suffix, image_shape(options_.batch).count()),
          draws().labels("labels" + suffix, std::size_t(options_.batch), options_.network.classes)};
}

Probe::Batch Probe::data(int index) {
  const std::string name = "data " + std::to_string(index);
  const HostBatch batch = host_data(index);
  return {kept(name, image_shape(options_.batch), batch.images), kept_labels(name, batch.labels)};
}

Tensor Probe::input(int count) {
  if (images_ == nullptr) return noise("input", count);
  RLNAS_CHECK(count <= options_.batch, usage, "--probe-batch ", options_.batch, ": must be at least ", count,
              " with --probe-data and this --score");
  return data_part(0, count > 0 ? count : options_.batch).images;
}

Probe::Batch Probe::data_part(int first, int count) {
  const std::string name = "data from " + std::to_string(first);
  const HostBatch batch = host_data(0);
  const Shape shape = image_shape(count);
  const auto pixel = batch.images.begin() + std::ptrdiff_t(image_shape(first).count());
  const auto label = batch.labels.begin() + first;
  return {kept(name, shape, {pixel, pixel + std::ptrdiff_t(shape.count())}),
          kept_labels(name, {label, label + count})};
}

}  // namespace rlnas
