// The promises of train(): bit-equality, resumption, planned memory, and what happens when things go wrong.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/atomic_file.h"
#include "engine/safetensors.h"
#include "rlnas/rlnas.hpp"
#include "tests/support/temporary_directory.h"
#include "tests/training/small_run.h"

namespace rlnas {
namespace {

using test::small_run;
using test::TemporaryDirectory;
using test::weights_of;

ErrorCode code_of(const std::function<void()>& action, const std::string& mentions) {
  try {
    action();
  } catch (const Error& error) {
    INFO(std::string(error.what()));
    CHECK(std::string(error.what()).find(mentions) != std::string::npos);
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.code();
  }
  FAIL("no error was thrown");
  return ErrorCode::run_failed;
}

}  // namespace

TEST_CASE("the same seed gives the same bits, with any number of threads, another seed does not") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run((directory / "a"));
  config.threads = 1;
  train(config);
  config.out = (directory / "b");
  config.threads = 2;
  train(config);
  config.out = (directory / "c");
  config.threads = 3;
  train(config);
  config.out = (directory / "d");
  config.seed = 1;
  train(config);
  const std::vector<float> a = weights_of((directory / "a"));
  CHECK(a == weights_of((directory / "b")));
  CHECK(a == weights_of((directory / "c")));
  CHECK(a != weights_of((directory / "d")));
}

TEST_CASE("saving and resuming gives the bits of a run straight through, within an epoch and between two") {
  const TemporaryDirectory directory;
  train(small_run((directory / "straight")));
  const std::vector<float> straight = weights_of((directory / "straight"));
  for (const std::int64_t stop : {4, 6, 7}) {
    TrainConfig config = small_run(directory / ("stopped" + std::to_string(stop)));
    config.steps = stop;
    CHECK(train(config).steps == stop);
    CHECK(weights_of(config.out) != straight);
    config.steps = 0;
    config.resume = "auto";
    CHECK(train(config).steps == 12);
    CHECK(weights_of(config.out) == straight);
  }
}

TEST_CASE("an interrupted run saves, says so, and goes on to the same bits and events") {
  const TemporaryDirectory directory;
  train(small_run((directory / "straight")));
  TrainConfig config = small_run((directory / "stopped"));
  int polls = 0;
  TrainCallbacks callbacks;
  callbacks.should_stop = [&] { return ++polls == 5; };
  const TrainResult stopped = train(config, callbacks);
  CHECK(stopped.interrupted);
  CHECK(stopped.steps == 5);
  config.resume = config.out;
  config.out.clear();
  const TrainResult done = train(config);
  CHECK(!done.interrupted);
  CHECK(weights_of((directory / "stopped")) == weights_of((directory / "straight")));

  const auto losses = [](const std::string& run) {
    std::vector<std::string> lines;
    std::ifstream in(run + "/events.jsonl");
    for (std::string line; std::getline(in, line);) {
      const auto event = nlohmann::json::parse(line);
      lines.push_back(event["event"].get<std::string>() + event["step"].dump() + event["loss"].dump());
    }
    return lines;
  };
  CHECK(losses((directory / "stopped")) == losses((directory / "straight")));
  CHECK(losses((directory / "straight")).size() == 14);  // 12 steps, 2 epochs
}

TEST_CASE("a run killed before its last events were covered by a checkpoint drops them when it goes on") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run((directory / "run"));
  config.steps = 6;
  train(config);
  {
    std::ofstream events(config.out + "/events.jsonl", std::ios::app);
    events << R"({"schema":1,"event":"step","step":9,"loss":1.0})"
           << "\n"
           << R"({"schema":1,"ev)";
  }
  std::ofstream(config.out + "/latest.safetensors.tmp") << "half a checkpoint";
  config.steps = 0;
  config.resume = "auto";
  CHECK(train(config).steps == 12);
  std::ifstream in(config.out + "/events.jsonl");
  int nines = 0, lines = 0;
  for (std::string line; std::getline(in, line); ++lines)
    nines += nlohmann::json::parse(line)["step"] == 9 ? 1 : 0;
  CHECK(nines == 1);
  CHECK(lines == 14);
}

TEST_CASE(
    "coast and freeze, per-cell and per-net, random and true labels, megvii: all train and all differ") {
  const TemporaryDirectory directory;
  std::vector<std::vector<float>> results;
  const auto run = [&](const char* name, const std::function<void(TrainConfig&)>& change) {
    TrainConfig config = small_run((directory / name));
    config.epochs = 1;
    change(config);
    train(config);
    results.push_back(weights_of(config.out));
  };
  run("default", [](TrainConfig&) {});
  run("freeze", [](TrainConfig& c) { c.unsampled = "freeze"; });
  run("per-net", [](TrainConfig& c) { c.sampling = "per-net"; });
  run("true", [](TrainConfig& c) { c.labels = "true"; });
  run("megvii", [](TrainConfig& c) { c.compat = "megvii"; });
  run("label-seed", [](TrainConfig& c) { c.label_seed = 5; });
  run("plain", [](TrainConfig& c) { c.augment = false; });
  for (std::size_t i = 0; i < results.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK(results[i] != results[j]);
}

TEST_CASE("a step stays within the planned memory, and the plan agrees with run.json") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run((directory / "run"));
  config.epochs = 10;  // 60 different sets of paths
  const TrainResult result = train(config);
  const TrainPlan plan = plan_training(config);
  CHECK(result.step_memory_bytes <= plan.step_memory_bytes);
  CHECK(result.step_memory_bytes > plan.step_memory_bytes / 4);
  const auto json = nlohmann::json::parse(read_file(config.out + "/run.json"));
  CHECK(json["planned_memory_bytes"] == plan.step_memory_bytes + plan.fixed_memory_bytes);
  CHECK(plan.parameters == 1686106);
  CHECK(plan.steps == 60);
  CHECK(plan.network.size() > 100);
}

TEST_CASE("checkpoint_every keeps epochs, the init file holds the untrained weights") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run((directory / "run"));
  config.checkpoint_every = 1;
  train(config);
  CHECK(read_file(config.out + "/epoch_2.safetensors") == read_file(config.out + "/latest.safetensors"));
  CHECK(read_file(config.out + "/epoch_1.safetensors") != read_file(config.out + "/latest.safetensors"));
  const std::vector<double> angles = nasbench201_angles(config.out);
  CHECK(angles.size() == 15625);
  CHECK(angles[0] == 0.0);  // all none
  CHECK(angles[15624] > 0.0);
}

TEST_CASE("bad input ends in one line with the right code") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run((directory / "run"));
  const auto with = [&](const std::function<void(TrainConfig&)>& change) {
    return [config, change] {
      TrainConfig changed = config;
      change(changed);
      train(changed);
    };
  };
  CHECK(code_of(with([](TrainConfig& c) { c.data = "cifar10:/nowhere/at/all"; }), "/nowhere/at/all") ==
        ErrorCode::data);
  CHECK(code_of(with([](TrainConfig& c) { c.data.clear(); }), "--data") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.out.clear(); }), "--out") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.labels = "truth"; }), "--labels") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.space = "darts"; }), "--space") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.epochs = 0; }), "--epochs") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.images = 97; }), "--images") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.momentum = std::numeric_limits<double>::quiet_NaN(); }),
                "--momentum") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) {
                  c.labels = "true";
                  c.label_classes = 5;
                }),
                "--label-classes") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.device = "cuda:x"; }), "--device") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.norm_and_pool = "cublas"; }), "--norm-and-pool") ==
        ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.device = "cuda:0"; }), "--device") == ErrorCode::device);
  CHECK(code_of(with([](TrainConfig& c) {
                  c.resume = "/nowhere";
                  c.out.clear();
                }),
                "--resume") == ErrorCode::data);
  CHECK(code_of(with([](TrainConfig& c) { c.out = "/proc/run"; }), "--out") == ErrorCode::data);
  CHECK(!std::filesystem::exists(config.out));

  train(config);
  CHECK(code_of(with([](TrainConfig&) {}), "--resume auto") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) {
                  c.resume = "auto";
                  c.batch_size = 8;
                }),
                "--batch-size") == ErrorCode::usage);
  std::filesystem::resize_file(config.out + "/resume.safetensors", 100000);
  CHECK(code_of(with([](TrainConfig& c) { c.resume = "auto"; }), "resume.safetensors: truncated") ==
        ErrorCode::data);
}

TEST_CASE("a loss that is not finite stops the run and keeps the last good checkpoint, which goes on") {
  const TemporaryDirectory directory;
  TrainConfig hot = small_run((directory / "hot"));
  hot.learning_rate = hot.min_learning_rate = 1e6;
  hot.epochs = 50;
  hot.save_every_minutes = 1e-9;  // after every step
  std::int64_t steps = 0;
  TrainCallbacks count;
  count.progress = [&](const TrainProgress& progress) { steps = std::max(steps, progress.step); };
  const auto failing = [&] { train(hot, count); };
  CHECK(code_of(failing, "--learning-rate") == ErrorCode::run_failed);
  const TensorFile saved = read_safetensors(hot.out + "/resume.safetensors");
  const std::int64_t good = std::stoll(saved.metadata.at("step"));
  CHECK(good >= 1);
  CHECK(good < 50 * 6);
  for (const NamedTensor& tensor : saved.tensors)
    CHECK(std::all_of(tensor.data.begin(), tensor.data.end(),
                      [](float value) { return std::isfinite(value); }));

  // It is that of a run which was stopped there, and it fails again where the first did.
  TrainConfig straight = hot;
  straight.out = directory / "straight";
  straight.steps = good;
  CHECK(train(straight).steps == good);
  const TensorFile same = read_safetensors(straight.out + "/resume.safetensors");
  REQUIRE(same.tensors.size() == saved.tensors.size());
  for (std::size_t i = 0; i < same.tensors.size(); ++i) CHECK(same.tensors[i].data == saved.tensors[i].data);
  hot.resume = "auto";
  const std::int64_t first = steps;
  steps = 0;
  CHECK(code_of(failing, "the last good checkpoint, of step " + std::to_string(good) + ", is in " +
                             hot.out) == ErrorCode::run_failed);
  CHECK(steps == first);

  hot.out = directory / "never";
  hot.resume.clear();
  hot.save_every_minutes = 0.0;
  hot.data = "synthetic:9600";  // no epoch ends before
  CHECK(code_of(failing, "no checkpoint was written before") == ErrorCode::run_failed);
}

}  // namespace rlnas
