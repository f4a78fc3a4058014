// Runs in spaces of files: the bits of the built-in ones, whatever the number of threads; what a run keeps of
// the file; and searches by what it keeps.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/atomic_file.h"
#include "kernels/dry/dry_backend.h"
#include "search/run_directory.h"
#include "search/spaces.h"
#include "search/training_plan.h"
#include "tests/search/every_space.h"
#include "tests/search/run_search_app.h"
#include "tests/support/errors.h"
#include "tests/support/golden_dir.h"
#include "tests/support/temporary_directory.h"
#include "tests/training/small_run.h"

namespace rlnas {
namespace {

using test::contains;
using test::error_of;
using test::run_search_app;
using test::TemporaryDirectory;
using test::weights_of;
using Json = nlohmann::json;

TrainConfig short_run(const std::string& space, const std::string& out, int image_size = 16) {
  TrainConfig config = default_train_config(space);
  config.data.spec = "synthetic:24";
  config.data.image_size = image_size;
  config.data.crop = TrainingCrop::shift;
  config.recipe.batch_size = 8;
  config.recipe.epochs = 2;
  config.device.name = "cpu";
  config.run.out = out;
  return config;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE(
    "a SuperNet and an architecture of a published space's file train to the bits of the built-in one") {
  for (const std::string name : {"nasbench201", "mobilenet", "darts-cifar", "darts-imagenet"}) {
    CAPTURE(name);
    const TemporaryDirectory directory;
    const int image_size = name == "nasbench201" ? 16 : 32;
    train(short_run(name, directory / "built-in", image_size));
    train(short_run(test::shipped_space(name), directory / "file", image_size));
    CHECK(weights_of(directory / "built-in") == weights_of(directory / "file"));
    const Genes genes = find_space(name).angle_sample(1).front();
    for (const std::string& space : {name, test::shipped_space(name)}) {
      TrainConfig config = short_run(space, directory / (space == name ? "arch" : "file-arch"), image_size);
      config.labels.seed = -1;
      config.labels.kind = LabelKind::from_data;
      config.network.arch = find_space(space).text(genes);
      if (name.starts_with("darts")) {
        config.network.channels = 8;
        config.network.cells = 5;
        config.network.drop_path = 0.3;
        config.network.auxiliary = name == "darts-cifar" ? 0.4 : 0.0;
      }
      train(config);
    }
    CHECK(weights_of(directory / "arch") == weights_of(directory / "file-arch"));
  }
}

TEST_CASE("spaces of files: the same bits with any number of threads, and no step beyond the plan") {
  for (const Space* space : test::every_space()) {
    if (space->file_text().empty()) continue;
    CAPTURE(space->name());
    const TemporaryDirectory directory;
    for (const int threads : {1, 2, 3}) {
      TrainConfig config = short_run(space->name(), directory / std::to_string(threads));
      config.device.threads = threads;
      const std::uint64_t planned = plan_training(config).step_memory_bytes;
      CHECK(train(config).step_memory_bytes <= planned);
    }
    CHECK(weights_of(directory / "1") == weights_of(directory / "2"));
    CHECK(weights_of(directory / "1") == weights_of(directory / "3"));
  }
}

TEST_CASE(
    "spaces of files: the planned memory is enough for any path, also where a small operation needs much") {
  // The 7x7 convolution keeps less than the inverted residual, but its gradient takes a lot of scratch.
  const Space& uneven = add_file_space(R"({
    "name": "scratch",
    "input": {"image_size": 16},
    "stem": [{"op": "conv_norm", "channels": 64, "stride": 2}],
    "stages": [{"channels": 128, "stride": 2, "repeats": 3, "ops": ["inverted_residual_3x3", "conv_7x7"]}]
  })",
                                       "scratch.json");
  std::vector<const Space*> spaces = test::every_space();
  spaces.push_back(&uneven);
  const auto cpu = make_cpu_backend({.threads = 2});
  for (const Space* space : spaces) {
    if (space->file_text().empty()) continue;
    CAPTURE(space->name());
    for (const int batch_size : {2, 32}) {
      TrainConfig config = short_run(space->name(), "");
      const auto network = make_training_space(config, 10);
      StepSpec spec;
      spec.augment.height = spec.augment.width = config.data.image_size;
      const std::size_t planned = dry_run(*network, *cpu, batch_size, spec).step_bytes;
      const auto dry = make_dry_backend(nullptr, cpu.get());
      Executor state(*dry, network->layout(), planned);
      HostBatch batch;
      batch.count = batch.global_count = batch_size;
      for (int step = 0; step < 100; ++step)
        state.step([&](Context& c, const Tensor& images) { return network->forward(c, images, step); }, batch,
                   spec);
      CHECK(state.arena().peak_bytes() <= planned);
      CHECK(state.arena().slab_count() == 1);
    }
  }
}

TEST_CASE("a run keeps its space's file, goes on with the same alone, and is searched by what it keeps") {
  const TemporaryDirectory directory;
  const std::string file = directory / "mine.json", run = directory / "run";
  const std::string text = replaced(test::kUnevenCells, "\"uneven\"", "\"mine\"");
  write_file_atomically(file, text);
  TrainConfig config = short_run("file:" + file, run);
  config.run.steps = 2;
  train(config);
  CHECK(read_file(run + "/space.json") == text);
  const std::string name = find_space("file:" + file).name();
  CHECK(Json::parse(read_file(run + "/run.json"))["config"]["space"] == name);

  // Another comment is the same space, another kernel is not.
  config.run.steps = 3;
  config.run.resume = "auto";
  write_file_atomically(file, "// mine\n" + text);
  CHECK(train(config).steps == 3);
  write_file_atomically(file, replaced(text, "\"conv_5x5\"", "\"conv_7x7\""));
  const std::string other = find_space("file:" + file).name();
  CHECK(error_of(ErrorCode::usage, [&] { train(config); }) ==
        "--space: \"" + other + "\", but the run in " + run + " was started with \"" + name + "\"");
  std::filesystem::remove(file);

  const auto outcome = run_search_app({"--supernet", run, "--method", "exhaustive", "--json", "-"});
  REQUIRE(outcome.err == "");
  const Json report = Json::parse(outcome.out);
  CHECK(report["space"] == name);
  CHECK(report["evaluations"] == 3 * 2 * 4 * 4 * 4 * 4);
  CHECK(report["best"]["angle_rad"].get<double>() > 0.0);
  const auto told = run_search_app({"--supernet", run, "--score", "accuracy", "--method", "random",
                                    "--population", "3", "--eval-images", "8", "--eval-batch", "8"});
  CHECK(told.err == "");
  CHECK(told.code == 0);

  // A copy that was changed is refused.
  write_file_atomically(run + "/space.json", replaced(text, "\"conv_5x5\"", "\"conv_3x3\""));
  const TemporaryDirectory elsewhere;
  std::filesystem::copy(run, elsewhere / "run");
  write_file_atomically(elsewhere / "run/run.json",
                        replaced(read_file(run + "/run.json"), name, "mine@00000000"));
  CHECK(contains(run_search_app({"--supernet", elsewhere / "run"}).err,
                 "but the run was started with mine@00000000"));
}

TEST_CASE("indicators of networks with fresh weights measure spaces of files") {
  const TemporaryDirectory directory;
  for (const std::string& name : test::kOwnSpaces)
    for (const char* score : {"naswot", "synflow", "az-nas", "zico", "meco+jacov"}) {
      CAPTURE(name);
      CAPTURE(score);
      const auto outcome = run_search_app({"--space", test::shipped_space(name), "--score", score, "--method",
                                           "random", "--population", "3", "--generations", "1",
                                           "--probe-batch", "4", "--probe-draws", "1", "--json", "-"});
      REQUIRE(outcome.err == "");
      CHECK(Json::parse(outcome.out)["top"].size() == 3);
    }
}

}  // namespace rlnas
