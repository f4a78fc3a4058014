// Five training steps of a small SuperNet against PyTorch (tests/golden/supernet_golden.py): same weights,
// images, labels and paths, among them dead edges and a cell without any live path.
#include <algorithm>

#include "engine/crc32.h"
#include "search/executor.h"
#include "search/nasbench201/space.h"
#include "tests/support/network_paths.h"
#include "tests/training/golden.h"

namespace rlnas::nasbench201 {
namespace {

using golden::check_close;
using golden::hashed;
using golden::Json;

std::vector<float> hashed_weights(const SegmentTable& table, int channels) {
  std::vector<float> values(std::size_t(table.buffer_count()), 0.0f);
  for (const Segment& s : table) {
    const std::uint32_t salt = crc32_of(s.name);
    const bool norm = s.shape.size() == 1 && s.name != "classifier.bias";
    const double fan_in = s.shape.size() == 4 ? double(s.shape[1] * s.shape[2] * s.shape[3]) : 4.0 * channels;
    for (std::int64_t i = 0; i < s.count; ++i) {
      const double u = 2.0 * hashed(std::uint64_t(i), salt) - 1.0;
      values[std::size_t(s.offset + i)] =
          float(norm ? (s.name.ends_with("weight") ? 1.0 : 0.0) + 0.1 * u : u / std::sqrt(fan_in));
    }
  }
  return values;
}

// The small SuperNet with the script's weights and batch.
struct GoldenRun {
  Json golden = rlnas::golden::read("supernet_golden.json");
  int channels = golden["channels"], batch = golden["batch"], size = golden["size"];
  TrainedNetwork supernet = test::supernet_of(
      space(), {.classes = golden["classes"], .image_size = size, .channels = channels, .cells = 1});
  const SegmentTable& table = supernet.layout().parameters();
  Executor state;
  HostBatch host;
  StepSpec spec;

  explicit GoldenRun(Backend& backend) : state(backend, supernet.layout(), std::size_t{64} << 20) {
    state.parameters().weights().upload(hashed_weights(table, channels));
    state.statistics().upload(supernet.layout().initial_statistics());
    host.count = batch;
    host.params.resize(std::size_t(batch));
    for (int i = 0; i < batch * size * size * 3; ++i)
      host.images.push_back(std::uint8_t(hashed(std::uint64_t(i), 1) * 256.0));
    for (int i = 0; i < batch; ++i) host.labels.push_back(i % 10);
    spec.augment = {0, size, size, {120.0f, 120.0f, 120.0f}, {1 / 60.0f, 1 / 60.0f, 1 / 60.0f}};
    spec.sgd = {.learning_rate = 0.025f, .momentum = 0.9f, .weight_decay = 5e-4f, .nesterov = true};
  }

  // Runs one step and returns its mean loss.
  double step(std::size_t index) {
    const auto paths = golden["paths"][index].get<std::vector<Genes>>();
    return state.step(test::along(supernet, paths), host, spec).loss / batch;
  }
};

// Edges that the paths sample while they lead nowhere or nothing reaches them: the script's network runs them
// all the same, this one does not, and so their statistics differ.
struct PrunedEdge {
  int cell, edge, op;
};
constexpr PrunedEdge kPruned[] = {{0, 0, 3}, {2, 2, 2}, {2, 0, 3}, {2, 1, 2}, {4, 2, 3}};

// Of all batch norms, those of edges too; one that was never sampled has what it began with.
void check_statistics(Executor& state, const Json& golden) {
  const std::vector<float> statistics = state.statistics().download();
  for (const Segment& s : state.statistics().table()) {
    const bool pruned = std::any_of(std::begin(kPruned), std::end(kPruned), [&](const PrunedEdge& p) {
      return s.cell == p.cell && s.edge == p.edge && s.op == p.op;
    });
    if (!pruned) check_close(s.name, statistics.data() + s.offset, s.count, golden[s.name], 1e-4);
  }
}

// Returns the weights after them.
std::vector<float> check_five_steps(Backend& backend) {
  GoldenRun run(backend);
  const Json& golden = run.golden;
  for (std::size_t step = 0; step < golden["losses"].size(); ++step) {
    const double expected = golden["losses"][step];
    INFO("step ", step);
    CHECK(std::abs(run.step(step) - expected) < 1e-5 * expected);
  }
  const std::vector<float> final_weights = run.state.parameters().weights().download();
  CHECK(golden["final"].size() == std::size_t(run.table.size()));
  for (const Segment& s : run.table)
    check_close(s.name, final_weights.data() + s.offset, s.count, golden["final"][s.name], 1e-4);
  check_statistics(run.state, golden["statistics"]);
  return final_weights;
}

void check_gradients(Backend& backend) {
  GoldenRun run(backend);
  run.step(0);
  int compared = 0;
  for (int s = 0; s < run.table.size(); ++s) {
    const Segment& segment = run.table[s];
    const auto expected = run.golden["first_gradients"].find(segment.name);
    if (expected == run.golden["first_gradients"].end()) continue;  // not on the path
    const float* gradient = run.state.parameters().gradient_of(s);  // untouched zeros where the edge is dead
    check_close(segment.name, gradient, segment.count, *expected, 1e-4);
    ++compared;
  }
  CHECK(compared == int(run.golden["first_gradients"].size()));
}

}  // namespace

TEST_CASE("five SuperNet steps equal PyTorch's: cpu, direct and by Winograd") {
  const auto direct = make_cpu_backend({.threads = 2, .conv_algorithm = ConvAlgorithm::direct}),
             winograd = make_cpu_backend({.threads = 2, .conv_algorithm = ConvAlgorithm::winograd});
  CHECK(check_five_steps(*direct) != check_five_steps(*winograd));  // two algorithms indeed
}
TEST_CASE("five SuperNet steps equal PyTorch's: ref") {
  check_five_steps(*make_ref_backend());
}
TEST_CASE("gradients of three cells equal PyTorch's: cpu, direct and by Winograd") {
  for (const ConvAlgorithm algorithm : {ConvAlgorithm::direct, ConvAlgorithm::winograd})
    check_gradients(*make_cpu_backend({.threads = 2, .conv_algorithm = algorithm}));
}
TEST_CASE("gradients of three cells equal PyTorch's: ref") {
  check_gradients(*make_ref_backend());
}

}  // namespace rlnas::nasbench201
