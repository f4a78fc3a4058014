// Five training steps of small stand-alone networks, and an evaluation after them, against PyTorch
// (tests/golden/retrain_golden.py): auxiliary heads, dropped edges, affine norms, clipping.
#include <doctest/doctest.h>

#include <span>

#include "engine/crc32.h"
#include "search/darts/supernet.h"
#include "search/nasbench201/supernet.h"
#include "search/training_state.h"
#include "tests/training/golden.h"

namespace rlnas {
namespace {

using golden::check_close;
using golden::hashed;
using golden::Json;

const Json& values() {
  static const Json json = golden::read("retrain_golden.json");
  return json;
}

using Forward = std::function<Tensor(Context&, const Tensor&, std::int64_t step)>;

void check_run(Backend& backend, const ModelBuilder& layout, const Json& expected, StepSpec spec,
               const Forward& forward) {
  const int batch = expected["batch"], size = expected["size"], classes = expected["classes"];
  TrainingState state(backend, layout, std::size_t{64} << 20);
  state.parameters().weights().upload(golden::hashed_weights(layout.parameters()));
  state.statistics().upload(layout.initial_statistics());
  HostBatch host;
  host.count = batch;
  host.params.resize(std::size_t(batch));
  for (int i = 0; i < batch * size * size * 3; ++i)
    host.images.push_back(std::uint8_t(hashed(std::uint64_t(i), 1) * 256.0));
  for (int i = 0; i < batch; ++i) host.labels.push_back(i % classes);
  spec.augment = {0, size, size, {120.0f, 120.0f, 120.0f}, {1 / 60.0f, 1 / 60.0f, 1 / 60.0f}};
  spec.sgd.learning_rate = expected["lr"];
  spec.sgd.weight_decay = expected["weight_decay"];
  for (std::size_t step = 0; step < expected["losses"].size(); ++step) {
    const double loss = expected["losses"][step];
    INFO("step ", step);
    const LossSums sums = state.step(
        [&](Context& c, const Tensor& images) { return forward(c, images, std::int64_t(step)); }, host, spec);
    CHECK(std::abs(sums.loss / batch - loss) < 1e-5 * loss);
  }
  const std::vector<float> weights = state.parameters().weights().download();
  CHECK(std::size_t(layout.parameters().size()) == expected["final"].size());
  for (const Segment& segment : layout.parameters()) {
    INFO(segment.name);
    REQUIRE(expected["final"].contains(segment.name));
    check_close(segment.name, weights.data() + segment.offset, segment.count, expected["final"][segment.name],
                1e-4);
  }
  const std::vector<float> logits = state.logits(
      [&](Context& c, const Tensor& images) { return forward(c, images, 0); }, host, spec.augment);
  check_close("evaluated logits", logits.data(), std::int64_t(logits.size()), expected["evaluated"], 2e-4);
}

void check_darts(Backend& backend, const Json& expected) {
  const auto cell_of = [](const Json& code) {
    darts::Cell cell;
    for (std::size_t e = 0; e < cell.ops.size(); ++e) cell.ops[e] = darts::Op(code[e].get<int>());
    return cell;
  };
  const darts::Architecture architecture{cell_of(expected["codes"][0]), cell_of(expected["codes"][1])};
  const bool cifar = expected["kind"] == "cifar";
  const darts::Supernet network({.preset = cifar ? darts::Preset::cifar : darts::Preset::imagenet,
                                 .classes = expected["classes"],
                                 .channels = expected["channels"],
                                 .cells = expected["cells"],
                                 .image_size = expected["size"]},
                                Initializer::pytorch, darts::StandAlone{architecture, expected["auxiliary"]});
  StepSpec spec;
  spec.label_smoothing = expected["label_smoothing"];
  spec.max_gradient_norm = expected["clip_norm"];
  check_run(
      backend, network.layout(), expected, spec, [&](Context& c, const Tensor& images, std::int64_t step) {
        return network.forward(c, images, architecture, {expected["drop_path"], expected["seed"], step, 0});
      });
}

void check_nasbench(Backend& backend, const Json& expected) {
  nasbench201::Cell cell;
  for (std::size_t e = 0; e < cell.ops.size(); ++e)
    cell.ops[e] = nasbench201::Op(expected["path"][e].get<int>());
  const nasbench201::Supernet network(
      {.classes = expected["classes"], .channels = expected["channels"], .cells_per_stage = 1, .only = cell});
  StepSpec spec;
  spec.sgd.nesterov = true;
  const std::vector<nasbench201::Cell> cells(3, cell);
  check_run(backend, network.layout(), expected, spec, [&](Context& c, const Tensor& images, std::int64_t) {
    return network.forward(c, images, cells);
  });
}

}  // namespace

TEST_CASE("stand-alone NAS-Bench-201 networks train as PyTorch's") {
  const auto direct = make_cpu_backend({.threads = 2, .conv_algorithm = ConvAlgorithm::direct}),
             winograd = make_cpu_backend({.threads = 2, .conv_algorithm = ConvAlgorithm::winograd}),
             ref = make_ref_backend();
  for (const Json& expected : values()["nasbench201"]) {
    CAPTURE(expected["path"].dump());
    for (Backend* const backend : {direct.get(), winograd.get(), ref.get()})
      check_nasbench(*backend, expected);
  }
}

TEST_CASE(
    "the stand-alone DARTS network of CIFAR trains as PyTorch's, with its auxiliary head and drop path") {
  check_darts(*make_cpu_backend({.threads = 2}), values()["darts"][0]);
  check_darts(*make_ref_backend(), values()["darts"][0]);
}

TEST_CASE("the stand-alone DARTS network of ImageNet trains as PyTorch's, with its auxiliary head") {
  check_darts(*make_cpu_backend({.threads = 2}), values()["darts"][1]);
}

}  // namespace rlnas
