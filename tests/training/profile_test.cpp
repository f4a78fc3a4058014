// --profile in a whole run: the same weights, the dry run's FLOPs, a table and a trace.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/atomic_file.h"
#include "kernels/dry/dry_backend.h"
#include "kernels/profile/profiling_backend.h"
#include "rlnas/train.hpp"
#include "search/executor.h"
#include "search/nasbench201/space.h"
#include "tests/support/network_paths.h"
#include "tests/support/temporary_directory.h"
#include "tests/training/small_run.h"

namespace rlnas {
namespace {

using test::small_run;
using test::TemporaryDirectory;

}  // namespace

TEST_CASE("a profiled run has the weights of a plain one, a table and a trace") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "plain");
  const TrainResult plain = train(config);
  CHECK(plain.profile.empty());
  CHECK(plain.data_wait_share >= 0.0);
  CHECK(plain.data_wait_share < 1.0);
  CHECK(!std::filesystem::exists(directory / "plain/trace.json"));

  config.run.out = directory / "profiled";
  config.run.profile = true;
  const TrainResult profiled = train(config);
  CHECK(read_file(directory / "profiled/latest.safetensors") ==
        read_file(directory / "plain/latest.safetensors"));
  for (const char* part :
       {"mean of 7 steps", "conv_norm_forward 3x3", "sgd_step", "waiting for data", "in no operation",
        "stem backward", "stage 3", "block 2", "optimiser", "GFLOP/s"}) {
    INFO(part);
    CHECK(profiled.profile.find(part) != std::string::npos);
  }
  const auto trace = nlohmann::json::parse(read_file(directory / "profiled/trace.json"));
  int steps = 0, ops = 0;
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] != "X") continue;
    steps += event["cat"] == "step" ? 1 : 0;
    ops += event["cat"] == "op" ? 1 : 0;
  }
  CHECK(steps == 4);
  CHECK(ops > 4 * 50);
}

TEST_CASE("a run goes on profiled, or no longer, as it likes") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "run");
  config.run.profile = true;
  config.run.steps = 4;  // none after the warm-up
  CHECK(train(config).profile.find("no step was measured") != std::string::npos);
  config.run.profile = false;
  config.run.steps = 0;
  config.run.resume = "auto";
  CHECK(train(config).steps == 12);
}

TEST_CASE("the FLOPs of a profiled step are those of a dry run of the same paths") {
  using namespace nasbench201;
  const TrainedNetwork supernet = test::supernet_of(space(), {.image_size = 8, .channels = 4, .cells = 1});
  const auto genes = [](const char* text) { return genes_of_cell(parse_cell(text)); };
  const std::vector<Genes> paths = {
      // all operations, a none edge, a dead one
      genes(
          "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|nor_conv_3x3~1|nor_conv_1x1~2|"),
      genes("|nor_conv_1x1~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+|none~0|skip_connect~1|nor_conv_3x3~2|"),
      genes("|skip_connect~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|")};
  const auto forward = test::along(supernet, paths);
  HostBatch batch;
  batch.count = 4;
  batch.images.assign(std::size_t{4} * 8 * 8 * 3, 100);
  batch.params.resize(4);
  batch.labels = {1, 2, 3, 4};
  StepSpec spec;
  spec.augment = {0, 8, 8, {120.0f, 120.0f, 120.0f}, {1 / 60.0f, 1 / 60.0f, 1 / 60.0f}};

  const auto cpu = make_cpu_backend({.threads = 2});
  std::vector<RecordedCall> planned;
  {
    const auto dry = make_dry_backend(&planned, cpu.get());
    Executor state(*dry, supernet.layout(), std::size_t{1} << 40);
    planned.clear();
    state.step(forward, batch, spec);
  }
  std::vector<TimedCall> timed;
  const auto profiling = make_profiling_backend(*cpu, &timed);
  Executor state(*profiling, supernet.layout(), std::size_t{16} << 20);
  state.parameters().weights().upload(supernet.layout().initial_parameters(0));
  state.statistics().upload(supernet.layout().initial_statistics());
  timed.clear();
  state.step(forward, batch, spec);

  // The optimiser aside: a dry run cannot read the table of blocks and takes every one as full.
  std::uint64_t planned_flops = 0, timed_flops = 0, planned_sgd = 0, timed_sgd = 0;
  for (const RecordedCall& call : planned)
    (call.primitive == "sgd_step" ? planned_sgd : planned_flops) += call.flops;
  int fused = 0;
  for (const TimedCall& call : timed) {
    (call.call.primitive == "sgd_step" ? timed_sgd : timed_flops) += call.call.flops;
    fused += call.call.primitive == "conv_norm_backward" ? 1 : 0;
    CHECK(*call.stage != '\0');
  }
  CHECK(planned_flops > 0);
  CHECK(timed_flops == planned_flops);
  CHECK(fused > 3);
  CHECK(timed_sgd > 0);
  CHECK(timed_sgd <= planned_sgd);

  const auto count = [&](const std::string& stage, Direction direction) {
    return std::count_if(timed.begin(), timed.end(), [&](const TimedCall& call) {
      return call.stage == stage && call.direction == direction;
    });
  };
  for (const std::string stage : {"stem", "stage 1", "block 1", "stage 2", "block 2", "stage 3", "head"})
    for (const Direction direction : {Direction::forward, Direction::backward}) {
      INFO(stage);
      CHECK(count(stage, direction) > 0);
    }
  CHECK(count("input", Direction::forward) == 4);
  CHECK(count("loss", Direction::forward) == 1);
  CHECK(count("optimiser", Direction::forward) == 3);
}

}  // namespace rlnas
