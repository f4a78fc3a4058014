// DARTS cells and five training steps of both small DARTS SuperNets against PyTorch
// (tests/golden/darts_golden.py): same weights, images, labels and paths, every operation among them.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "search/darts/space.h"
#include "search/executor.h"
#include "search/train_settings.h"
#include "tests/support/network_graph.h"
#include "tests/support/network_part.h"
#include "tests/support/network_paths.h"
#include "tests/training/golden.h"

namespace rlnas::darts {
namespace {

using golden::hashed;
using golden::Json;

const Json& script_values() {
  static const Json json = golden::read("darts_golden.json");
  return json;
}

std::vector<float> hashed_image(Shape shape, std::uint64_t salt) {
  std::vector<float> values(shape.count());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = float(2.0 * hashed(i, salt) - 1.0);
  return values;
}

Tensor uploaded(Context& context, Shape shape, const std::vector<float>& values) {
  Tensor image = make_tensor(context.arena, shape);
  context.backend.upload(image.data(), values.data(), image.bytes());
  return image;
}

void check_close(const std::string& name, const float* values, std::int64_t count, const Json& expected,
                 double tolerance) {
  REQUIRE(expected.size() == 6);  // sum, norm and four elements
  golden::check_close(name, values, count, expected, tolerance);
}

// Normal cell, then reduction cell.
Genes genes_of(const Json& normal, const Json& reduce) {
  Genes genes = normal.get<Genes>();
  for (const Json& op : reduce) genes.push_back(op.get<std::int8_t>());
  return genes;
}

// The tensors that the script has values of, and no others, have been touched.
void check_segments(const SegmentTable& table, const std::vector<std::uint8_t>& touched, const float* values,
                    const Json& expected, double tolerance) {
  std::size_t compared = 0;
  for (int s = 0; s < table.size(); ++s) {
    const Segment& segment = table[s];
    const auto found = expected.find(segment.name);
    INFO(segment.name);
    CHECK((touched[std::size_t(s)] != 0) == (found != expected.end()));
    if (found == expected.end()) continue;
    check_close(segment.name, values + segment.offset, segment.count, *found, tolerance);
    ++compared;
  }
  CHECK(compared == expected.size());
}

// The same of running statistics: those of edges that were never sampled are as they began.
void check_statistics(const ModelBuilder& layout, const FlatBuffer& statistics, const Json& expected) {
  const std::vector<float> running = statistics.download(), initial = layout.initial_statistics();
  std::vector<std::uint8_t> moved;
  for (const Segment& s : layout.statistics())
    moved.push_back(!std::equal(running.begin() + s.offset, running.begin() + s.offset + s.count,
                                initial.begin() + s.offset));
  check_segments(layout.statistics(), moved, running.data(), expected, 1e-4);
}

// The two images that a cell is given, as parts of one: the older in its first channels, the last in the
// others at every pixel, or at every second one of each row and column where it is half as large. Both are
// taken out again by convolutions with ones and zeros, which change no bit of them or of their gradients.
struct CellInputs {
  int batch, older_size, older_channels, last_size, last_channels;

  explicit CellInputs(const Json& values)
      : batch(values["batch"]),
        older_size(values["older_size"]),
        older_channels(values["older_channels"]),
        last_size(values["size"]),
        last_channels(values["last_channels"]) {}

  int channels() const { return older_channels + last_channels; }
  int step() const { return older_size / last_size; }
  Shape joined_shape() const { return Shape::image(batch, older_size, older_size, channels()); }
  Shape older_shape() const { return Shape::image(batch, older_size, older_size, older_channels); }
  Shape last_shape() const { return Shape::image(batch, last_size, last_size, last_channels); }

  std::vector<int> add_to(Graph& graph) const {
    const int x = graph.input({channels(), older_size, older_size});
    const int older = graph.conv(x, "older", {.out_channels = older_channels});
    const int picked = step() == 2 ? graph.subsample(x, 0) : x;
    return {older, graph.conv(picked, "last", {.out_channels = last_channels})};
  }
  void set_weights(const SegmentTable& table, std::vector<float>& weights) const {
    const auto pick = [&](const Segment& s, int first) {
      for (std::int64_t out = 0; out < s.shape[0]; ++out)
        for (int in = 0; in < channels(); ++in)
          weights[std::size_t(s.offset + out * channels() + in)] = in == first + int(out) ? 1.0f : 0.0f;
    };
    pick(table[table.find("older.weight")], 0);
    pick(table[table.find("last.weight")], older_channels);
  }
  // Calls visit(joined element, element of the last image) for the last image, or of the older one.
  template <class Visit>
  void for_each_of(bool last, const Visit& visit) const {
    const int size = last ? last_size : older_size, count = last ? last_channels : older_channels;
    std::size_t element = 0;
    for (int n = 0; n < batch; ++n)
      for (int h = 0; h < size; ++h)
        for (int w = 0; w < size; ++w)
          for (int c = 0; c < count; ++c) {
            const int stride = last ? step() : 1, row = n * older_size + h * stride;
            visit(std::size_t((row * older_size + w * stride) * channels() + c + (last ? older_channels : 0)),
                  element++);
          }
  }
  std::vector<float> join(const std::vector<float>& older, const std::vector<float>& last) const {
    std::vector<float> joined(joined_shape().count(), 0.0f);
    for_each_of(false, [&](std::size_t at, std::size_t element) { joined[at] = older[element]; });
    for_each_of(true, [&](std::size_t at, std::size_t element) { joined[at] = last[element]; });
    return joined;
  }
  std::vector<float> part_of(const std::vector<float>& joined, bool last) const {
    std::vector<float> part((last ? last_shape() : older_shape()).count());
    for_each_of(last, [&](std::size_t at, std::size_t element) { part[element] = joined[at]; });
    return part;
  }
};

// The cell of a network with the script's channels: the normal one behind a reduction, or the first
// reduction. Without a path: with all operations.
Graph cell_graph(const CellInputs& inputs, const Json& values, std::span<const Genes> path) {
  const bool reduces = values["kind"] == "reduce";
  const int channels = values["channels"], cell = reduces ? 1 : 3;
  const Graph whole = cifar_space().network({.channels = channels / (reduces ? 2 : 4), .cells = 4}, path);
  const std::string name = "cells." + std::to_string(cell) + ".";
  Graph graph;
  const std::vector<int> images = inputs.add_to(graph);
  graph.add_output(test::add_unit(graph, whole, cell, images, [&](Node& node) {
    if (node.name.empty()) return;
    REQUIRE(node.name.starts_with(name));
    node.name = "cells.0." + node.name.substr(name.size());
  }));
  return graph;
}

void check_cell(Backend& backend, const Json& values) {
  const CellInputs inputs(values);
  const Genes path = genes_of(values["code"], values["code"]);
  const test::GraphNetwork cell(cell_graph(inputs, values, {}), cell_graph(inputs, values, {&path, 1}));
  const ModelBuilder& builder = cell.layout.tensors();
  const SegmentTable& table = builder.parameters();
  Parameters parameters(backend, table);
  std::vector<float> weights = golden::hashed_weights(table);
  inputs.set_weights(table, weights);
  parameters.weights().upload(weights);
  FlatBuffer statistics(backend, builder.statistics());
  statistics.upload(builder.initial_statistics());
  Arena arena(backend, std::size_t{16} << 20);
  Tape tape(backend, arena);
  Context context{backend, arena, tape, parameters, statistics, Mode::train};
  Tensor images =
      uploaded(context, inputs.joined_shape(),
               inputs.join(hashed_image(inputs.older_shape(), 21), hashed_image(inputs.last_shape(), 22)));
  images.variable = tape.new_variable();
  Tensor gradient;
  // The first closure is the last to run: by then the gradients of both inputs are complete.
  tape.record([&] { gradient = tape.take_gradient(images.variable); });
  const Tensor out = cell(context, images);
  const auto host_of = [&](const Tensor& tensor) {
    std::vector<float> host(tensor.count());
    backend.download(host.data(), tensor.data(), tensor.bytes());
    return host;
  };
  const auto check_tensor = [&](const std::string& name, const std::vector<float>& host,
                                const Json& expected) {
    check_close(name, host.data(), std::int64_t(host.size()), expected, 1e-4);
  };
  check_tensor("output", host_of(out), values["output"]);
  tape.add_gradient(out, uploaded(context, out.shape, hashed_image(out.shape, 23)));
  tape.backward();
  REQUIRE(gradient);
  check_tensor("gradient of the older input", inputs.part_of(host_of(gradient), false),
               values["older_gradient"]);
  check_tensor("gradient of the last input", inputs.part_of(host_of(gradient), true),
               values["last_gradient"]);

  std::vector<std::uint8_t> touched = parameters.ever_sampled();
  for (const char* picks : {"older.weight", "last.weight"}) touched[std::size_t(table.find(picks))] = 0;
  std::vector<float> gradients(std::size_t(table.buffer_count()));
  for (int s = 0; s < table.size(); ++s)
    backend.download(gradients.data() + table[s].offset, parameters.gradient_of(s),
                     std::size_t(table[s].count) * sizeof(float));
  check_segments(table, touched, gradients.data(), values["gradients"], 1e-4);

  check_statistics(builder, statistics, values["statistics"]);
}

void check_training(Backend& backend, const Json& values) {
  const bool cifar = values["stem"] == "cifar";
  const int batch = values["batch"], size = values["size"], classes = values["classes"];
  const TrainedNetwork supernet = test::supernet_of(
      cifar ? cifar_space() : imagenet_space(),
      {.classes = classes, .image_size = size, .channels = values["channels"], .cells = values["cells"]});
  const SegmentTable& table = supernet.layout().parameters();
  Executor state(backend, supernet.layout(), std::size_t{64} << 20);
  state.parameters().weights().upload(golden::hashed_weights(table));
  state.statistics().upload(supernet.layout().initial_statistics());
  HostBatch host;
  host.count = batch;
  host.params.resize(std::size_t(batch));
  for (int i = 0; i < batch * size * size * 3; ++i)
    host.images.push_back(std::uint8_t(hashed(std::uint64_t(i), 1) * 256.0));
  for (int i = 0; i < batch; ++i) host.labels.push_back(i % classes);
  StepSpec spec;
  spec.augment = {0, size, size, {120.0f, 120.0f, 120.0f}, {1 / 60.0f, 1 / 60.0f, 1 / 60.0f}};
  spec.sgd = {.learning_rate = values["lr"], .weight_decay = values["weight_decay"]};
  spec.label_smoothing = values["label_smoothing"];
  if (cifar) {
    spec.max_gradient_norm = 1.0f;
  } else {
    spec.sgd.clip.limit = 0.05f;
    state.parameters().set_decayed(decayed_segments(default_train_config("darts-imagenet"), table));
  }
  for (std::size_t step = 0; step < values["losses"].size(); ++step) {
    const Json& path = values["paths"][step];
    const auto forward = test::along(supernet, {genes_of(path[0], path[1])});
    const double expected = values["losses"][step];
    INFO("step ", step);
    CHECK(std::abs(state.step(forward, host, spec).loss / batch - expected) < 1e-5 * expected);
  }
  const std::vector<float> weights = state.parameters().weights().download();
  check_segments(table, state.parameters().ever_sampled(), weights.data(), values["final"], 1e-4);
  check_statistics(supernet.layout(), state.statistics(), values["statistics"]);
}

}  // namespace

TEST_CASE("DARTS cells of all operations equal PyTorch's: cpu") {
  const auto backend = make_cpu_backend({.threads = 2});
  for (const Json& values : script_values()["cells"]) check_cell(*backend, values);
}
TEST_CASE("DARTS cells of all operations equal PyTorch's: ref") {
  const auto backend = make_ref_backend();
  for (const Json& values : script_values()["cells"]) check_cell(*backend, values);
}
TEST_CASE("steps of both DARTS SuperNets equal PyTorch's: cpu") {
  const auto backend = make_cpu_backend({.threads = 2});
  for (const Json& values : script_values()["runs"]) check_training(*backend, values);
}
TEST_CASE("steps of both DARTS SuperNets equal PyTorch's: ref") {
  const auto backend = make_ref_backend();
  for (const Json& values : script_values()["runs"]) check_training(*backend, values);
}

}  // namespace rlnas::darts
