// The MobileNet space against PyTorch (tests/golden/mobilenet_golden.py): single inverted residuals of each
// kernel and stride, and five training steps each of a narrow SuperNet and of a narrow stand-alone network
// with the same weights, images, paths and dropped features.
#include "engine/crc32.h"
#include "search/executor.h"
#include "search/mobilenet/space.h"
#include "search/spaces.h"
#include "search/train_settings.h"
#include "tests/support/network_graph.h"
#include "tests/support/network_part.h"
#include "tests/support/network_paths.h"
#include "tests/support/published_names.h"
#include "tests/training/golden.h"

namespace rlnas::mobilenet {
namespace {

using golden::check_close;
using golden::Json;
using golden::mixed;

struct NormValues {  // gamma and beta: uniform over scale or shift +- spread
  double scale, shift, spread;
};

bool of_classifier(const Segment& s) {
  return s.name.starts_with("classifier");
}
bool of_norm(const Segment& s) {
  return s.shape.size() == 1 && !of_classifier(s);
}

std::vector<float> hashed_weights(const SegmentTable& table, const NormValues& norm) {
  std::vector<float> values(std::size_t(table.buffer_count()), 0.0f);
  double fan_in = 1.0;  // a bias has that of the weight before it
  for (const Segment& s : table) {
    if (s.shape.size() > 1) fan_in = double(s.count / s.shape[0]);
    const double centre = s.name.ends_with("weight") ? norm.scale : norm.shift;
    for (std::int64_t i = 0; i < s.count; ++i) {
      const double u = 2.0 * mixed(std::uint64_t(i), crc32_of(s.name)) - 1.0;
      values[std::size_t(s.offset + i)] =
          float(of_norm(s) ? centre + norm.spread * u : u / std::sqrt(fan_in));
    }
  }
  return values;
}

void fill_hashed(const Tensor& tensor, std::uint64_t salt) {
  for (std::size_t i = 0; i < tensor.count(); ++i) tensor.data()[i] = float(2.0 * mixed(i, salt) - 1.0);
}

// A choice block of a network that is narrow enough to have the script's channels, with that operation.
Graph block_of(const Json& golden, int size) {
  const int block = golden["stride"] == 2 ? 4 : 1;  // the first of the second stage, the second of the first
  constexpr int kWidthDivisor = 5;                  // 32 channels to 6
  Architecture path;
  for (int op = 0; op < kConvOpCount; ++op)
    if (kernel_size(Op(op)) == golden["kernel"] && expansion(Op(op)) == golden["expansion"])
      path.ops[std::size_t(block)] = Op(op);
  const Genes genes = genes_of_architecture(path);
  const Graph whole = space().network({.image_size = 32, .width_divisor = kWidthDivisor}, {&genes, 1});
  Graph graph;
  const int x = graph.input({golden["in_channels"], size, size});
  graph.add_output(test::add_unit(graph, whole, block, {x}, [&](Node& node) {
    if (!node.name.empty()) node.name = node.name.substr(node.name.find("conv."));
    if (node.name == "conv.6") node.conv.out_channels = golden["out_channels"];
  }));
  return graph;
}

void check_block(Backend& backend, const std::string& name, const Json& golden, int batch, int size) {
  INFO(name);
  const test::GraphNetwork block(block_of(golden, size));
  const ModelBuilder& builder = block.layout.tensors();
  Parameters parameters(backend, builder.parameters());
  FlatBuffer statistics(backend, builder.statistics());
  parameters.weights().upload(hashed_weights(parameters.table(), {3.0, 1.0, 1.0}));
  statistics.upload(builder.initial_statistics());
  Arena arena(backend, std::size_t{8} << 20);
  Tape tape(backend, arena);
  Context context{backend, arena, tape, parameters, statistics};

  Tensor x = make_tensor(arena, Shape::image(batch, size, size, golden["in_channels"])), dx;
  fill_hashed(x, 1);
  x.variable = tape.new_variable();
  tape.record([&] { dx = tape.take_gradient(x.variable); });
  const Tensor y = block(context, x);
  check_close("output", y.data(), std::int64_t(y.count()), golden["output"], 1e-5);
  Tensor dy = make_tensor(arena, y.shape);
  fill_hashed(dy, 2);
  tape.add_gradient(y, std::move(dy));
  tape.backward();

  REQUIRE(dx);
  check_close("input", dx.data(), std::int64_t(dx.count()), golden["input_gradient"], 1e-5);
  CHECK(golden["gradients"].size() == std::size_t(parameters.table().size()));
  for (int s = 0; s < parameters.table().size(); ++s) {
    const Segment& segment = parameters.table()[s];
    check_close(segment.name, parameters.gradient_of(s), segment.count, golden["gradients"][segment.name],
                1e-5);
  }
}

void check_blocks(Backend& backend) {
  const Json golden = golden::read("mobilenet_golden.json");
  CHECK(golden["blocks"].size() == 6);
  for (const auto& [name, block] : golden["blocks"].items())
    check_block(backend, name, block, golden["block_batch"], golden["block_size"]);
}

using Forward = std::function<Executor::Forward(std::size_t step)>;

// Steps as the script takes them, with the decay of `recipe`.
void check_training(Backend& backend, const TrainedNetwork& network, const Json& golden,
                    const TrainConfig& recipe, StepSpec spec, const Forward& forward) {
  const int batch = golden["batch"], size = golden["size"], classes = golden["classes"];
  const SegmentTable& table = network.layout().parameters();
  Executor state(backend, network.layout(), std::size_t{64} << 20);
  state.parameters().weights().upload(hashed_weights(table, {1.0, 0.0, 0.1}));
  state.statistics().upload(network.layout().initial_statistics());
  state.parameters().set_decayed(decayed_segments(recipe, table));

  HostBatch host;
  host.count = batch;
  host.params.resize(std::size_t(batch));
  for (int i = 0; i < batch * size * size * 3; ++i)
    host.images.push_back(std::uint8_t(mixed(std::uint64_t(i), 1) * 256.0));
  for (int i = 0; i < batch; ++i) host.labels.push_back(i % classes);
  spec.augment = {0, size, size, {120.0f, 120.0f, 120.0f}, {1 / 60.0f, 1 / 60.0f, 1 / 60.0f}};
  spec.sgd.learning_rate = golden["learning_rate"];
  spec.sgd.weight_decay = golden["weight_decay"];
  spec.label_smoothing = golden["smoothing"];

  for (std::size_t step = 0; step < golden["losses"].size(); ++step) {
    const double expected = golden["losses"][step];
    INFO("step ", step);
    CHECK(std::abs(state.step(forward(step), host, spec).loss / batch - expected) < 1e-5 * expected);
  }

  const std::vector<float> initial = hashed_weights(table, {1.0, 0.0, 0.1});
  const std::vector<float> weights = state.parameters().weights().download();
  std::size_t sampled = 0;
  for (const Segment& s : table) {
    const float* const values = weights.data() + s.offset;
    if (const auto expected = golden["final"].find(s.name); expected != golden["final"].end()) {
      check_close(s.name, values, s.count, *expected, 1e-4);
      ++sampled;
    } else {
      INFO(s.name, ": never sampled");
      CHECK(std::equal(values, values + s.count, initial.data() + s.offset));
    }
  }
  CHECK(sampled == golden["final"].size());
  const std::vector<float> statistics = state.statistics().download();
  for (const Segment& s : state.statistics().table())
    if (const auto expected = golden["statistics"].find(s.name); expected != golden["statistics"].end())
      check_close(s.name, statistics.data() + s.offset, s.count, *expected, 1e-4);
}

NetworkOptions options_of(const Json& golden) {
  return {
      .classes = golden["classes"], .image_size = golden["size"], .width_divisor = golden["width_divisor"]};
}

void check_supernet(Backend& backend, const char* part) {
  const Json golden = golden::read("mobilenet_golden.json")[part];
  const TrainedNetwork supernet = test::supernet_of(space(), options_of(golden));
  StepSpec spec;
  spec.sgd.clip.limit = golden["clip"];
  check_training(backend, supernet, golden, default_train_config("mobilenet"), spec, [&](std::size_t step) {
    return test::along(supernet, {golden["paths"][step].get<Genes>()});
  });
}

void check_standalone(Backend& backend) {
  const Json golden = golden::read("mobilenet_golden.json")["standalone"];
  TrainedNetwork network(space(), options_of(golden), Initializer::pytorch, golden["path"].get<Genes>(),
                         {.drops = {.paths = {}, .values = {golden["dropout"], golden["seed"]}}});
  CHECK(std::size_t(network.layout().parameters().size()) == golden["final"].size());
  StepSpec spec;
  spec.max_gradient_norm = golden["clip_norm"];
  check_training(backend, network, golden, default_retrain_config("mobilenet"), spec,
                 [&](std::size_t step) { return test::at_step(network, std::int64_t(step)); });
}

}  // namespace

TEST_CASE("inverted residuals equal PyTorch's: cpu") {
  check_blocks(*make_cpu_backend({.threads = 2}));
}
TEST_CASE("inverted residuals equal PyTorch's: ref") {
  check_blocks(*make_ref_backend());
}
TEST_CASE("five MobileNet SuperNet steps equal PyTorch's: cpu") {
  check_supernet(*make_cpu_backend({.threads = 2}), "training");
}
TEST_CASE("five MobileNet SuperNet steps equal PyTorch's: ref") {
  check_supernet(*make_ref_backend(), "training");
}
TEST_CASE("MobileNet SuperNet steps with a decay that shows equal PyTorch's") {
  check_supernet(*make_cpu_backend({.threads = 2}), "decayed");
  check_supernet(*make_ref_backend(), "decayed");
}

TEST_CASE("the stand-alone MobileNet trains as PyTorch's, with its dropout: cpu") {
  check_standalone(*make_cpu_backend({.threads = 2}));
}
TEST_CASE("the stand-alone MobileNet trains as PyTorch's, with its dropout: ref") {
  check_standalone(*make_ref_backend());
}

TEST_CASE("the published MobileNet SuperNet has the published tensors") {
  const SegmentTable table = supernet_segments("mobilenet", 1000);
  CHECK(table.size() == 1148);
  CHECK(table.element_count() == 27684320);
  CHECK(test::crc_of_names(table) == 0x49c19e49u);
  CHECK_THROWS_AS(supernet_segments("mobilenet", 0), Error);
}

TEST_CASE("each choice's tensors name their block and operation") {
  const SegmentTable table = supernet_segments("mobilenet", 10);
  int fixed = 0, owned[kBlockCount][kConvOpCount] = {};
  for (const Segment& s : table) {
    const std::string prefix =
        "features." + std::to_string(s.cell) + "._ops." + std::to_string(s.op) + ".conv.";
    CHECK(s.name.starts_with("features.") == (s.edge == 0));
    if (s.edge < 0)
      ++fixed;
    else if (s.name.starts_with(prefix))
      ++owned[s.cell][s.op];
  }
  CHECK(fixed == 3 + 6 + 3 + 2);
  for (const auto& block : owned)
    for (const int tensors : block) CHECK(tensors == 9);
}

TEST_CASE("a block that changes the shape cannot be the identity") {
  const auto backend = make_cpu_backend({.threads = 1});
  const TrainedNetwork supernet = test::supernet_of(space(), {.image_size = 32, .width_divisor = 8});
  Executor state(*backend, supernet.layout(), std::size_t{64} << 20);
  HostBatch host;
  host.count = 1;
  host.params.resize(1);
  host.images.resize(32 * 32 * 3);
  host.labels = {0};
  StepSpec spec;
  spec.augment = {0, 32, 32, {}, {1.0f, 1.0f, 1.0f}};
  Architecture architecture;
  architecture.ops[4] = Op::identity;
  CHECK_THROWS_WITH_AS(state.step(test::along(supernet, {genes_of_architecture(architecture)}), host, spec),
                       "block 4 has no option 6", Error);
}

}  // namespace rlnas::mobilenet
