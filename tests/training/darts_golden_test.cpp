// DARTS cells and five training steps of both small DARTS SuperNets against PyTorch
// (tests/golden/darts_golden.py): same weights, images, labels and paths, every operation among them.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "search/darts/supernet.h"
#include "search/train_settings.h"
#include "tests/training/golden.h"

namespace rlnas::darts {
namespace {

using golden::hashed;
using golden::Json;

const Json& script_values() {
  static const Json json = golden::read("darts_golden.json");
  return json;
}

Tensor hashed_image(Context& context, Shape shape, std::uint64_t salt) {
  std::vector<float> values(shape.count());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = float(2.0 * hashed(i, salt) - 1.0);
  Tensor image = make_tensor(context.arena, shape);
  context.backend.upload(image.data(), values.data(), image.bytes());
  return image;
}

void check_close(const std::string& name, const float* values, std::int64_t count, const Json& expected,
                 double tolerance) {
  REQUIRE(expected.size() == 6);  // sum, norm and four elements
  golden::check_close(name, values, count, expected, tolerance);
}

Cell cell_of(const Json& code) {
  Cell cell;
  for (std::size_t e = 0; e < kEdgeCount; ++e) cell.ops[e] = Op(code[e].get<int>());
  return cell;
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

void check_cell(Backend& backend, const Json& values) {
  const bool reduces = values["kind"] == "reduce";
  const int batch = values["batch"], size = values["size"], older_size = values["older_size"];
  const CellGeometry geometry{.kind = reduces ? CellKind::reduce : CellKind::normal,
                              .reduces_input0 = older_size > size,
                              .input0_channels = values["older_channels"],
                              .input1_channels = values["last_channels"],
                              .channels = values["channels"],
                              .in_size = size,
                              .out_size = reduces ? size / 2 : size};
  ModelBuilder builder;
  const SupernetCell cell(builder, 0, geometry);
  Parameters parameters(backend, builder.parameters());
  parameters.weights().upload(golden::hashed_weights(builder.parameters()));
  FlatBuffer statistics(backend, builder.statistics());
  statistics.upload(builder.initial_statistics());
  Arena arena(backend, std::size_t{16} << 20);
  Tape tape(backend, arena);
  Context context{backend, arena, tape, parameters, statistics, Mode::train};
  Tensor older =
      hashed_image(context, Shape::image(batch, older_size, older_size, geometry.input0_channels), 21);
  Tensor last = hashed_image(context, Shape::image(batch, size, size, geometry.input1_channels), 22);
  older.variable = tape.new_variable();
  last.variable = tape.new_variable();
  std::vector<float> output;
  Tensor input_gradients[2];
  // The first closure is the last to run: by then the gradients of both inputs are complete.
  tape.record([&] {
    input_gradients[0] = tape.take_gradient(older.variable);
    input_gradients[1] = tape.take_gradient(last.variable);
  });
  const Tensor out =
      cell.forward(context, activate(context, older, Activation::relu),
                   activate(context, last, Activation::relu), cell_of(values["code"]), Want::sum);
  const auto check_tensor = [&](const std::string& name, const Tensor& tensor, const Json& expected) {
    std::vector<float> host(tensor.count());
    backend.download(host.data(), tensor.data(), tensor.bytes());
    check_close(name, host.data(), std::int64_t(host.size()), expected, 1e-4);
  };
  check_tensor("output", out, values["output"]);
  tape.add_gradient(out, hashed_image(context, out.shape, 23));
  tape.backward();
  check_tensor("gradient of the older input", input_gradients[0], values["older_gradient"]);
  check_tensor("gradient of the last input", input_gradients[1], values["last_gradient"]);

  const SegmentTable& table = builder.parameters();
  const std::vector<std::uint8_t> touched = parameters.ever_sampled();
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
  const Supernet supernet(NetworkSpec{.preset = cifar ? Preset::cifar : Preset::imagenet,
                                      .classes = classes,
                                      .channels = values["channels"],
                                      .cells = values["cells"],
                                      .image_size = size});
  const SegmentTable& table = supernet.layout().parameters();
  TrainingState state(backend, supernet.layout(), std::size_t{64} << 20);
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
    const Architecture architecture{cell_of(path[0]), cell_of(path[1])};
    const auto forward = [&](Context& context, const Tensor& images) {
      return supernet.forward(context, images, architecture);
    };
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
