// Networks of one architecture: their published counts, what their runs promise, and their evaluation.
#include "search/trained_network.h"

#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/safetensors.h"
#include "kernels/dry/dry_backend.h"
#include "search/choice_tables.h"
#include "search/evaluation.h"
#include "search/executor.h"
#include "search/spaces.h"
#include "search/train_settings.h"
#include "tests/support/temporary_directory.h"
#include "tests/training/small_run.h"

namespace rlnas {
namespace {

using test::small_run;
using test::TemporaryDirectory;
using test::weights_of;

constexpr const char* kRlnasCifar = "5,4 6,0,5 4,0,0,7 0,7,6,0,0 | 5,6 4,0,5 0,6,0,4 0,1,5,0,0";
constexpr const char* kRlnasImagenet = "4,4 0,3,4 0,4,4,0 3,0,0,0,4 | 4,1 4,3,0 4,6,0,0 3,4,0,0,0";
constexpr const char* kDartsV2 =
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
    "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], "
    "normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), "
    "('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), "
    "('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])";
constexpr const char* kRlnasMobilenet = "2 0 -1 2 | 2 0 2 4 | 0 4 4 2 | 4 2 4 2 | 0 0 0 2 | 2";

std::unique_ptr<TrainedNetwork> network_of(const TrainConfig& config, int classes) {
  return make_stand_alone(config, {.classes = classes});
}

TrainConfig retrain(const std::string& space, const std::string& arch) {
  TrainConfig config = default_retrain_config(space);
  config.network.arch = arch;
  return config;
}

struct Counts {
  std::int64_t params, flops;
};

// Walks the network's forward pass on paper: multiply-accumulates of convolutions, (2 in - 1) out of the
// classifier.
Counts counts_of(const TrainConfig& config, int classes) {
  const std::unique_ptr<TrainedNetwork> space = network_of(config, classes);
  std::vector<RecordedCall> calls;
  const auto dry = make_dry_backend(&calls, nullptr);
  Executor state(*dry, space->layout(), kDryArenaBytes);
  HostBatch batch;
  batch.count = 1;
  AugmentSpec augment;
  augment.height = augment.width = config.data.image_size;
  state.logits([&](Context& c, const Tensor& images) { return space->forward(c, images, 0); }, batch,
               augment);
  std::int64_t flops = 0;
  for (const RecordedCall& call : calls)
    if (call.primitive == "conv_forward") flops += std::int64_t(call.flops / 2);
  const SegmentTable& table = space->layout().parameters();
  for (const Segment& segment : table)
    if (segment.name.starts_with("classifier") && segment.shape.size() == 2)
      flops += (2 * segment.shape[1] - 1) * segment.shape[0];
  return {parameters_without_auxiliary(table), flops};
}

// Twelve steps of a narrow DARTS network with everything that retraining adds; the auxiliary head needs 32
// px.
TrainConfig small_darts(const std::string& out) {
  TrainConfig config = retrain("darts-cifar", kRlnasCifar);
  config.network.channels = 4;
  config.network.cells = 4;
  config.data.spec = "synthetic:96";
  config.recipe.batch_size = 16;
  config.recipe.epochs = 2;
  config.network.drop_path = 0.6;  // 0.3 in the second epoch
  config.run.log_every = 1;
  config.device.name = "cpu";
  config.eval.spec = "synthetic:40";
  config.run.out = out;
  return config;
}

std::vector<nlohmann::json> events_of(const std::string& run, const std::string& kind) {
  std::vector<nlohmann::json> events;
  std::ifstream file(run + "/events.jsonl");
  for (std::string line; std::getline(file, line);) {
    nlohmann::json event = nlohmann::json::parse(line);
    if (event["event"] == kind) events.push_back(std::move(event));
  }
  return events;
}

}  // namespace

TEST_CASE("stand-alone NAS-Bench-201 networks have the benchmark's parameters and FLOPs") {
  const Space& space = find_space("nasbench201");
  for (const std::string arch : {"#0", "#1", "#1462", "#1651", "#1835", "#6111", "#11472", "#9930"})
    for (const int classes : {10, 120}) {
      TrainConfig config = retrain("nasbench201", arch);
      config.data.image_size = classes == 10 ? 32 : 16;
      CAPTURE(arch);
      CHECK(counts_of(config, classes).params ==
            stand_alone_counts(space, space.published_stand_alone(classes, config.data.image_size))
                .params.of(space.parse(arch)));
    }
  // No dead edges in these, so that the walk meets every convolution; in * out + out for the classifier.
  for (const std::string arch : {"#1", "#1462"}) {
    const std::int64_t classifier = (2 * 64 - 1) * 10 - (64 * 10 + 10);
    CHECK(counts_of(retrain("nasbench201", arch), 10).flops - classifier ==
          stand_alone_counts(space, space.published_stand_alone(10, 32)).macs.of(space.parse(arch)));
  }
}

TEST_CASE("stand-alone DARTS networks have the published parameters and FLOPs") {
  struct Published {
    const char* space;
    const char* arch;
    int channels, classes;
    std::int64_t params, flops;
  };
  for (const Published& p : {Published{"darts-imagenet", kRlnasCifar, 48, 1000, 5674720, 629123864},
                             {"darts-imagenet", kRlnasCifar, 46, 1000, 5257581, 580550648},
                             {"darts-imagenet", kRlnasImagenet, 0, 1000, 5463616, 596750936},
                             {"darts-imagenet", kDartsV2, 48, 1000, 4718752, 530678552},
                             {"darts-cifar", kRlnasCifar, 0, 10, 4034710, 0},
                             {"darts-cifar", kDartsV2, 36, 10, 3349342, 0}}) {
    TrainConfig config = retrain(p.space, p.arch);
    config.network.channels = p.channels;
    const Counts counts = counts_of(config, p.classes);
    CHECK(counts.params == p.params);
    if (p.flops > 0) CHECK(counts.flops == p.flops);
    // The head is there in training, and its parameters are not counted.
    CHECK(network_of(config, p.classes)->layout().parameters().element_count() > p.params + 768 * p.classes);
    config.network.auxiliary = 0.0;
    CHECK(network_of(config, p.classes)->layout().parameters().element_count() == p.params);
  }
}

TEST_CASE("the stand-alone MobileNet has the published parameters and FLOPs") {
  const Counts counts = counts_of(retrain("mobilenet", kRlnasMobilenet), 1000);
  CHECK(counts.params == 5255648);
  CHECK(counts.flops == 473248184);
  const auto of_all = [&](const std::string& op) {
    std::string arch;
    for (int block = 0; block < 21; ++block) arch += op + " ";
    return counts_of(retrain("mobilenet", arch), 1000);
  };
  CHECK(of_all("0").params == 5151552);
  CHECK(of_all("0").flops == 462635960);
  CHECK(of_all("5").params == 8382408);
  CHECK(of_all("5").flops == 1038400856);
}

TEST_CASE("a retrained network is the same with any number of threads and after a resumption") {
  const TemporaryDirectory directory;
  TrainConfig config = small_darts(directory / "straight");
  config.device.threads = 1;
  const TrainResult straight = train(config);
  CHECK(straight.evaluated);
  config.run.out = directory / "threads";
  config.device.threads = 3;
  const TrainResult threads = train(config);
  CHECK(weights_of(directory / "threads") == weights_of(directory / "straight"));
  CHECK(threads.top1 == straight.top1);
  CHECK(threads.test_loss == straight.test_loss);
  for (const std::int64_t stop : {6, 8}) {  // between epochs and inside of one
    config.run.out = directory / ("stopped" + std::to_string(stop));
    config.device.threads = 2;
    config.run.steps = stop;
    config.run.resume.clear();
    train(config);
    config.run.steps = 0;
    config.run.resume = "auto";
    const TrainResult resumed = train(config);
    CHECK(weights_of(config.run.out) == weights_of(directory / "straight"));
    CHECK(resumed.test_loss == straight.test_loss);
  }
}

TEST_CASE("drop path, cutout and the auxiliary head change the weights") {
  const TemporaryDirectory directory;
  const auto run = [&](const std::string& name, const std::function<void(TrainConfig&)>& change) {
    TrainConfig config = small_darts(directory / name);
    config.eval.spec.clear();
    change(config);
    train(config);
    return read_safetensors(config.run.out + "/latest.safetensors").find("stem.0.weight")->data;
  };
  const std::vector<float> all = run("all", [](TrainConfig&) {});
  CHECK(run("same", [](TrainConfig&) {}) == all);
  CHECK(run("edges", [](TrainConfig& c) { c.network.drop_path = 0.0; }) != all);
  CHECK(run("cutout", [](TrainConfig& c) { c.data.cutout = 0; }) != all);
  CHECK(run("auxiliary", [](TrainConfig& c) { c.network.auxiliary = 0.0; }) != all);
}

TEST_CASE("--eval: events, the best of the run kept over a resumption, and --eval-only") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "run");
  config.network.arch = "#6111";
  config.labels.kind = LabelKind::from_data;
  config.recipe.seed = 5;
  config.eval.spec = "synthetic:60";
  config.recipe.epochs = 6;
  config.run.steps = 18;
  config.recipe.learning_rate = 0.1;
  train(config);
  config.run.steps = 0;
  config.run.resume = "auto";
  std::vector<std::string> lines;
  bool angles = false;
  const TrainResult result =
      train(config, {.log = [&](const std::string& line) { lines.push_back(line); },
                     .progress = [&](const TrainProgress& p) { angles |= p.has_angles; },
                     .should_stop = {}});
  CHECK_FALSE(angles);
  const std::vector<nlohmann::json> tests = events_of(config.run.out, "test");
  REQUIRE(tests.size() == 6);
  double best = 0.0;
  for (std::size_t i = 0; i < tests.size(); ++i) {
    CHECK(tests[i]["step"] == int(6 * (i + 1)));
    best = std::max(best, tests[i]["top1"].get<double>());
    CHECK(tests[i]["best_top1"] == best);
    CHECK(tests[i]["top5"].get<double>() >= tests[i]["top1"].get<double>());
  }
  CHECK(result.best_top1 == best);
  CHECK(result.top1 == tests.back()["top1"].get<double>());
  CHECK(best > 0.15);  // ten classes
  CHECK(std::any_of(lines.begin(), lines.end(),
                    [](const std::string& l) { return l.starts_with("test of step 36: top-1 "); }));
  CHECK_FALSE(events_of(config.run.out, "epoch").front().contains("angle_mean_rad"));

  config.eval.only = true;
  config.run.resume = config.run.out;
  config.device.threads = 1;
  const TrainResult again = train(config);
  CHECK(again.evaluated);
  CHECK(again.top1 == result.top1);
  CHECK(again.test_loss == result.test_loss);
  CHECK(events_of(config.run.out, "test").size() == 6);
}

TEST_CASE("flags of retraining that do not fit together name themselves") {
  const TemporaryDirectory directory;
  const auto error_of = [&](const std::function<void(TrainConfig&)>& change) -> std::string {
    TrainConfig config = small_run(directory / "bad");
    config.labels.kind = LabelKind::from_data;
    config.network.arch = "#0";
    change(config);
    try {
      train(config);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  const auto starts = [](const std::string& text, const std::string& with) {
    INFO(text);
    CHECK(text.starts_with(with));
  };
  starts(error_of([](TrainConfig& c) { c.network.arch = "|nonsense~0|"; }), "architecture '|nonsense~0|'");
  starts(error_of([](TrainConfig& c) {
           c.network.arch.clear();
           c.eval.spec = "synthetic:20";
         }),
         "--eval: a SuperNet is not evaluated");
  starts(error_of([](TrainConfig& c) {
           c.labels.kind = LabelKind::random;
           c.eval.spec = "synthetic:20";
         }),
         "--eval: what is trained on random labels");
  starts(error_of([](TrainConfig& c) { c.eval.only = true; }), "--eval-only: needs");
  starts(error_of([](TrainConfig& c) { c.network.dropout = 1.0; }), "--dropout: 1 is not in");
  starts(error_of([](TrainConfig& c) { c.eval.spec = "idx:/nowhere"; }), "/nowhere");
  starts(error_of([](TrainConfig& c) {
           c.network.space = "darts-cifar";
           c.recipe.sampling = PathSampling::per_net;
           c.network.arch = kRlnasCifar;
           c.network.channels = c.network.cells = 4;
           c.network.auxiliary = 0.4;  // at 16 px the head has too few pixels
         }),
         "the auxiliary head takes 8x8 pixels");
}

TEST_CASE("top-1 and top-5 of logits: ties go to the lower index, NaN never wins") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::array<float, 7> first{0, 1, 2, 3, 4, 5, 6}, equal{1, 1, 1, 1, 1, 1, 1},
      broken{nan, nan, nan, nan, nan, nan, nan};
  const auto count = [](const std::array<float, 7>& logits, std::int32_t label) {
    return count_top(logits, std::array{label}, 7);
  };
  CHECK(count(first, 6).top1 == 1);
  CHECK(count(first, 5).top1 == 0);
  CHECK(count(first, 5).top5 == 1);
  CHECK(count(first, 2).top5 == 1);
  CHECK(count(first, 1).top5 == 0);
  CHECK(count(equal, 0).top1 == 1);
  CHECK(count(equal, 1).top1 == 0);
  CHECK(count(equal, 4).top5 == 1);
  CHECK(count(equal, 5).top5 == 0);
  CHECK(count(equal, 3).loss == doctest::Approx(std::log(7.0)));
  CHECK(count(broken, 0).top5 == 0);
  TestCounts total = count(first, 6);
  total += count(equal, 1);
  CHECK(total.images == 2);
  CHECK(total.top1 == 1);
  CHECK(total.top5 == 2);
}

TEST_CASE("recipes of retraining") {
  for (const std::string space : {"nasbench201", "darts-cifar", "darts-imagenet", "mobilenet"}) {
    const TrainConfig config = default_retrain_config(space);
    CHECK(config.network.space == space);
    CHECK(config.labels.kind == LabelKind::from_data);
    CHECK(config.labels.seed == -1);
    CHECK(config.recipe.clip_value == 0.0);
    CHECK(config.recipe.min_learning_rate == 0.0);
    TrainConfig checked = config;
    check_config(checked);  // its flags fit together
  }
  CHECK(default_retrain_config("nasbench201").recipe.batch_size == 256);
  CHECK(default_retrain_config("darts-cifar").data.cutout == 16);
  CHECK(default_retrain_config("darts-imagenet").recipe.initializer == Initializer::pytorch);
  CHECK(default_retrain_config("mobilenet").network.dropout == 0.2);
  CHECK_THROWS_AS(default_retrain_config("nowhere"), Error);
}

}  // namespace rlnas
