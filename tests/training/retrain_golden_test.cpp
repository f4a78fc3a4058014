// Five training steps of small stand-alone networks, and an evaluation after them, against PyTorch
// (tests/golden/retrain_golden.py): auxiliary heads, dropped edges, affine norms, clipping.
#include <doctest/doctest.h>

#include <span>

#include "engine/crc32.h"
#include "ops/graph_program.h"
#include "ops/network_layout.h"
#include "search/executor.h"
#include "search/spaces.h"
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

// As TrainedNetwork runs it, but for the same drops in every epoch.
class AloneNetwork {
 public:
  AloneNetwork(const std::string& space, const NetworkOptions& options, const Genes& genes,
               const DropSpec& drop_path = {})
      : AloneNetwork(graph_of(find_space(space), options, genes), drop_path) {}

  const ModelBuilder& layout() const { return layout_.tensors(); }
  Tensor forward(Context& context, const Tensor& images, std::int64_t step) const {
    Program::Drops drops{.paths = drop_path_, .values = {}};
    drops.paths.step = step;
    return (context.mode == Mode::train ? trains_ : evaluates_).run(context, images, drops).logits;
  }

 private:
  AloneNetwork(const Graph& graph, const DropSpec& drop_path)
      : drop_path_(drop_path),
        layout_(graph, Initializer::pytorch),
        trains_(graph, layout_, {.trains = true, .drops_paths = drop_path.probability > 0.0}),
        evaluates_(graph, layout_, {.trains = false}) {}
  static Graph graph_of(const Space& space, NetworkOptions options, const Genes& genes) {
    options.kind = NetworkKind::stand_alone;
    return space.network(options, {&genes, 1});
  }

  DropSpec drop_path_;
  NetworkLayout layout_;
  Program trains_, evaluates_;
};

void check_run(Backend& backend, const AloneNetwork& network, const Json& expected, StepSpec spec) {
  const ModelBuilder& layout = network.layout();
  const int batch = expected["batch"], size = expected["size"], classes = expected["classes"];
  Executor state(backend, layout, std::size_t{64} << 20);
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
        [&](Context& c, const Tensor& images) { return network.forward(c, images, std::int64_t(step)); },
        host, spec);
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
      [&](Context& c, const Tensor& images) { return network.forward(c, images, 0); }, host, spec.augment);
  check_close("evaluated logits", logits.data(), std::int64_t(logits.size()), expected["evaluated"], 2e-4);
}

void check_darts(Backend& backend, const Json& expected) {
  Genes genes = expected["codes"][0].get<Genes>();
  for (const Json& op : expected["codes"][1]) genes.push_back(op.get<std::int8_t>());
  const AloneNetwork network(expected["kind"] == "cifar" ? "darts-cifar" : "darts-imagenet",
                             {.classes = expected["classes"],
                              .image_size = expected["size"],
                              .channels = expected["channels"],
                              .cells = expected["cells"],
                              .auxiliary_weight = expected["auxiliary"]},
                             genes, {expected["drop_path"], expected["seed"]});
  StepSpec spec;
  spec.label_smoothing = expected["label_smoothing"];
  spec.max_gradient_norm = expected["clip_norm"];
  check_run(backend, network, expected, spec);
}

void check_nasbench(Backend& backend, const Json& expected) {
  const AloneNetwork network("nasbench201",
                             {.classes = expected["classes"],
                              .image_size = expected["size"],
                              .channels = expected["channels"],
                              .cells = 1},
                             expected["path"].get<Genes>());
  StepSpec spec;
  spec.sgd.nesterov = true;
  check_run(backend, network, expected, spec);
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
