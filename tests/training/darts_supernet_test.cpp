// The published DARTS SuperNets: names, shapes and counts of their tensors, which operations run, and which
// code runs them.
#include <doctest/doctest.h>

#include <algorithm>
#include <numbers>
#include <set>

#include "engine/philox.h"
#include "kernels/cpu/conv_engine.h"
#include "kernels/dry/dry_backend.h"
#include "search/darts/space.h"
#include "search/executor.h"
#include "search/spaces.h"
#include "tests/support/network_paths.h"
#include "tests/support/published_names.h"

namespace rlnas::darts {
namespace {

HostBatch batch_of(int count, const NetworkOptions& spec) {
  HostBatch batch;
  batch.count = count;
  batch.images.resize(std::size_t(count) * std::size_t(spec.image_size * spec.image_size) * 3);
  batch.params.resize(std::size_t(count));
  RandomStream random(1, "images");
  for (std::uint8_t& value : batch.images) value = std::uint8_t(random.below(256));
  for (int i = 0; i < count; ++i) batch.labels.push_back(i % spec.classes);
  return batch;
}

StepSpec step_spec(const NetworkOptions& spec) {
  StepSpec step;
  step.augment = {0, spec.image_size, spec.image_size, {120.0f, 120.0f, 120.0f}, {0.02f, 0.02f, 0.02f}};
  step.sgd = {.learning_rate = 0.025f, .weight_decay = 3e-4f};
  return step;
}

NetworkOptions published_supernet(const Space& space) {
  const SearchDefaults& published = space.info().search;
  return {.classes = published.classes, .image_size = published.image_size};
}

TrainedNetwork training_of(const Space& space, const NetworkOptions& options) {
  return test::supernet_of(space, options, space.make_sampler({.seed = 1}));
}

NetworkOptions small_network() {
  return {.image_size = 16, .channels = 8, .cells = 4};
}

// The calls of the training steps first..first+count-1, run on the dry backend.
std::vector<RecordedCall> dry_steps(TrainedNetwork& training, int batch, int count) {
  const NetworkOptions& spec = training.options();
  std::vector<RecordedCall> calls;
  const auto backend = make_dry_backend(&calls, nullptr);
  Executor state(*backend, training.layout(), kDryArenaBytes);
  for (int step = 0; step < count; ++step)
    state.step(test::at_step(training, step), batch_of(batch, spec), step_spec(spec));
  return calls;
}

}  // namespace

TEST_CASE("the DARTS SuperNets have the published tensors") {
  const SegmentTable cifar = supernet_segments("darts-cifar", 10);
  const SegmentTable imagenet = supernet_segments("darts-imagenet", 1000);
  CHECK(cifar.size() == 3255);
  CHECK(cifar.element_count() == 2005114);
  CHECK(test::crc_of_names(cifar) == 0x101e6304u);
  CHECK(imagenet.size() == 5650);
  CHECK(imagenet.element_count() == 25624288);
  CHECK(test::crc_of_names(imagenet) == 0x1e26d8b1u);
}

TEST_CASE("every tensor of a choice says whose it is, and cells lie one behind the other") {
  int cell = -1;
  for (const Segment& s : supernet_segments("darts-cifar", 10)) {
    INFO(s.name);
    const bool choice = s.name.find("._ops.") != std::string::npos;
    CHECK((s.edge >= 0) == choice);
    CHECK((s.op >= 0) == choice);
    if (s.name.starts_with("classifier")) continue;
    CHECK(s.cell >= cell);
    cell = s.cell;
    if (choice)
      CHECK(s.name.starts_with("cells." + std::to_string(s.cell) + "._ops." + std::to_string(s.edge) +
                               "._ops." + std::to_string(s.op) + "."));
  }
}

TEST_CASE("no convolution of a DARTS SuperNet runs fallback code") {
  ConvEngine engine(1);
  for (const Space* const space : {&cifar_space(), &imagenet_space()}) {
    TrainedNetwork training = training_of(*space, published_supernet(*space));
    std::set<std::string> seen;
    for (const RecordedCall& call : dry_steps(training, space == &cifar_space() ? 64 : 8, 60)) {
      if (!call.conv || !seen.insert(call.shape).second) continue;
      for (const ConvPass pass : {ConvPass::forward, ConvPass::backward_data, ConvPass::backward_weights}) {
        const std::string name = engine.implementation(*call.conv, pass);
        INFO(call.shape, " pass ", int(pass), ": ", name);
        CHECK(name.find("ref") == std::string::npos);
        CHECK(name != "rlnas:direct");
      }
    }
    CHECK(seen.size() > 30);  // 60 paths see every operation on every kind of cell
  }
}

TEST_CASE("what a step computes is what its path names") {
  const NetworkOptions spec = small_network();
  const TrainedNetwork supernet = test::supernet_of(cifar_space(), spec);
  std::vector<RecordedCall> calls;
  const auto backend = make_dry_backend(&calls, nullptr);
  Executor state(*backend, supernet.layout(), std::size_t{1} << 40);
  const auto count_of = [&](Op op, const std::string& primitive) {
    Cell cell;
    for (int node = kInputCount; node < kAllNodes; ++node)
      for (int input = 0; input < kInputCount; ++input) cell.ops[std::size_t(first_edge(node) + input)] = op;
    calls.clear();
    state.step(test::along(supernet, {genes_of_architecture({cell, cell})}), batch_of(2, spec),
               step_spec(spec));
    return std::count_if(calls.begin(), calls.end(),
                         [&](const RecordedCall& call) { return call.primitive == primitive; });
  };
  // Stem, preprocessing (two cells come after a reduction: three convolutions), eight edges a cell.
  constexpr int kFixed = 1 + 2 * 2 + 2 * 3, kOnEdges = 4 * 8;
  CHECK(count_of(Op::max_pool_3x3, "conv_forward") == kFixed);
  CHECK(count_of(Op::max_pool_3x3, "max_pool_forward") == kOnEdges);
  CHECK(count_of(Op::avg_pool_3x3, "avg_pool_backward") == kOnEdges);
  CHECK(count_of(Op::skip_connect, "conv_forward") == kFixed + 2 * 2 * 8);
  CHECK(count_of(Op::sep_conv_3x3, "conv_forward") == kFixed + 4 * kOnEdges);
  CHECK(count_of(Op::dil_conv_5x5, "conv_forward") == kFixed + 2 * kOnEdges);
  CHECK(count_of(Op::dil_conv_5x5, "conv_backward_weights") == kFixed + 2 * kOnEdges);
}

TEST_CASE("the memory of the largest path is enough for any other") {
  const auto cpu = make_cpu_backend({.threads = 2});
  for (const Space* const space : {&cifar_space(), &imagenet_space()}) {
    const NetworkOptions spec = published_supernet(*space);
    TrainedNetwork training = training_of(*space, spec);
    const auto dry = make_dry_backend(nullptr, cpu.get());
    const HostBatch batch = batch_of(space == &cifar_space() ? 64 : 4, spec);
    std::size_t planned = 0;
    {
      Executor state(*dry, training.layout(), kDryArenaBytes);
      state.step([&](Context& c, const Tensor& images) { return training.forward_largest(c, images); }, batch,
                 step_spec(spec));
      planned = state.arena().peak_bytes();
    }
    Executor state(*dry, training.layout(), planned);
    for (int step = 0; step < 200; ++step) state.step(test::at_step(training, step), batch, step_spec(spec));
    CHECK(state.arena().slab_count() == 1);
    MESSAGE("planned MiB: ", planned >> 20, ", peak of 200 paths: ", state.arena().peak_bytes() >> 20);
  }
}

TEST_CASE("a DARTS SuperNet learns a batch by heart along random paths, and its angles grow") {
  const NetworkOptions spec = small_network();
  TrainedNetwork training = training_of(cifar_space(), spec);
  const auto backend = make_cpu_backend({.threads = 1});
  Executor state(*backend, training.layout(), std::size_t{64} << 20);
  const std::vector<float> weights = training.layout().initial_parameters(1);
  state.parameters().weights().upload(weights);
  state.initial_weights().upload(weights);
  state.statistics().upload(training.layout().initial_statistics());
  CHECK(training.angle_summary(state.angle_sums()).max_rad < 1e-6);
  const HostBatch batch = batch_of(16, spec);
  double first = 0.0, last = 0.0;
  for (int step = 0; step < 120; ++step) {
    const double loss = state.step(test::at_step(training, step), batch, step_spec(spec)).loss / batch.count;
    if (step < 10) first += loss / 10;
    if (step >= 110) last += loss / 10;
  }
  CHECK(last < 0.7 * first);
  const AngleSummary angles = training.angle_summary(state.angle_sums());
  CHECK(angles.min_rad > 0.01);
  CHECK(angles.min_rad < angles.mean_rad);
  CHECK(angles.mean_rad < angles.max_rad);
  CHECK(angles.max_rad < std::numbers::pi);
}

}  // namespace rlnas::darts
