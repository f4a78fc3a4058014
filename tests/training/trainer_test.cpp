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
#include "kernels/words.h"
#include "rlnas/search.hpp"
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
  config.device.threads = 1;
  train(config);
  config.run.out = (directory / "b");
  config.device.threads = 2;
  train(config);
  config.run.out = (directory / "c");
  config.device.threads = 3;
  train(config);
  config.run.out = (directory / "d");
  config.recipe.seed = 1;
  train(config);
  const std::vector<float> a = weights_of((directory / "a"));
  CHECK(a == weights_of((directory / "b")));
  CHECK(a == weights_of((directory / "c")));
  CHECK(a != weights_of((directory / "d")));
}

TEST_CASE("one epoch by a schedule that is an epoch ahead says which rate that is") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run((directory / "a"));
  config.recipe.schedule = Schedule::cosine_ahead;
  config.recipe.min_learning_rate = 0.001;
  std::string lines;
  const auto lines_of = [&](int epochs, const std::string& name) {
    lines.clear();
    config.recipe.epochs = epochs;
    config.run.out = directory / name;
    train(config, {.log = [&](const std::string& line) { lines += line + '\n'; }});
    return lines;
  };
  CHECK(lines_of(1, "one").find("the learning rate is its last, 0.001;") != std::string::npos);
  CHECK(lines_of(2, "two").find("its last") == std::string::npos);
}

TEST_CASE("saving and resuming gives the bits of a run straight through, within an epoch and between two") {
  const TemporaryDirectory directory;
  train(small_run((directory / "straight")));
  const std::vector<float> straight = weights_of((directory / "straight"));
  for (const std::int64_t stop : {4, 6, 7}) {
    TrainConfig config = small_run(directory / ("stopped" + std::to_string(stop)));
    config.run.steps = stop;
    CHECK(train(config).steps == stop);
    CHECK(weights_of(config.run.out) != straight);
    config.run.steps = 0;
    config.run.resume = "auto";
    CHECK(train(config).steps == 12);
    CHECK(weights_of(config.run.out) == straight);
  }
}

TEST_CASE("an interrupted run saves, says so, and goes on to the same bits and events") {
  const TemporaryDirectory directory;
  train(small_run((directory / "straight")));
  TrainConfig config = small_run((directory / "stopped"));
  std::int64_t step = 0;
  TrainCallbacks callbacks;
  callbacks.progress = [&](const TrainProgress& now) { step = now.step; };
  callbacks.should_stop = [&] { return step == 5; };
  const TrainResult stopped = train(config, callbacks);
  CHECK(stopped.interrupted);
  CHECK(stopped.steps == 5);
  config.run.resume = config.run.out;
  config.run.out.clear();
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
  config.run.steps = 6;
  train(config);
  {
    std::ofstream events(config.run.out + "/events.jsonl", std::ios::app);
    events << R"({"schema":1,"event":"step","step":9,"loss":1.0})"
           << "\n"
           << R"({"schema":1,"ev)";
  }
  std::ofstream(config.run.out + "/latest.safetensors.tmp") << "half a checkpoint";
  config.run.steps = 0;
  config.run.resume = "auto";
  CHECK(train(config).steps == 12);
  std::ifstream in(config.run.out + "/events.jsonl");
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
    config.recipe.epochs = 1;
    change(config);
    train(config);
    results.push_back(weights_of(config.run.out));
  };
  run("default", [](TrainConfig&) {});
  run("freeze", [](TrainConfig& c) { c.recipe.unsampled = Unsampled::freeze; });
  run("per-net", [](TrainConfig& c) { c.recipe.sampling = PathSampling::per_net; });
  run("true", [](TrainConfig& c) { c.labels.kind = LabelKind::from_data; });
  run("megvii", [](TrainConfig& c) { c.recipe.compat = Compat::megvii; });
  run("label-seed", [](TrainConfig& c) { c.labels.seed = 5; });
  run("plain", [](TrainConfig& c) { c.data.augment = false; });
  for (std::size_t i = 0; i < results.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK(results[i] != results[j]);
}

TEST_CASE("a step stays within the planned memory, and the plan agrees with run.json") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run((directory / "run"));
  config.recipe.epochs = 10;  // 60 different sets of paths
  const TrainResult result = train(config);
  const TrainPlan plan = plan_training(config);
  CHECK(result.step_memory_bytes <= plan.step_memory_bytes);
  CHECK(result.step_memory_bytes > plan.step_memory_bytes / 4);
  const auto json = nlohmann::json::parse(read_file(config.run.out + "/run.json"));
  CHECK(json["planned_memory_bytes"] == plan.step_memory_bytes + plan.fixed_memory_bytes);
  CHECK(plan.parameters == 1686106);
  CHECK(plan.steps == 60);
  CHECK(plan.calls.size() > 100);
  std::int64_t parameters = 0, macs = 0;
  for (const TrainPlan::Stage& stage : plan.stages) {
    parameters += stage.parameters;
    macs += stage.macs;
    CHECK(stage.written_bytes > 0);
  }
  CHECK(parameters == plan.parameters);
  // Forward, and both gradients: three times two operations for each, but for the images' own gradient.
  CHECK(plan.train_gflop_per_step < 6e-9 * double(macs) * config.recipe.batch_size * 1.15);
  CHECK(plan.train_gflop_per_step > 5.8e-9 * double(macs) * config.recipe.batch_size);
}

TEST_CASE("checkpoint_every keeps epochs, the init file holds the untrained weights") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run((directory / "run"));
  config.run.checkpoint_every = 1;
  train(config);
  CHECK(read_file(config.run.out + "/epoch_2.safetensors") ==
        read_file(config.run.out + "/latest.safetensors"));
  CHECK(read_file(config.run.out + "/epoch_1.safetensors") !=
        read_file(config.run.out + "/latest.safetensors"));
  const std::vector<double> found = angles(config.run.out, {"enum:0", "enum:15624"});
  CHECK(found[0] == 0.0);  // all none
  CHECK(found[1] > 0.0);
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
  CHECK(code_of(with([](TrainConfig& c) { c.data.spec = "cifar10:/nowhere/at/all"; }), "/nowhere/at/all") ==
        ErrorCode::data);
  CHECK(code_of(with([](TrainConfig& c) { c.data.spec.clear(); }), "--data") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.run.out.clear(); }), "--out") == ErrorCode::usage);
  CHECK(code_of([] { parse_word<LabelKind>("--labels", "truth"); }, "--labels") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.network.space = "darts"; }), "--space") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.recipe.epochs = 0; }), "--epochs") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.data.images = 97; }), "--images") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.recipe.momentum = std::numeric_limits<double>::quiet_NaN(); }),
                "--momentum") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) {
                  c.labels.kind = LabelKind::from_data;
                  c.labels.classes = 5;
                }),
                "--label-classes") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.device.name = "cuda:x"; }), "--device") == ErrorCode::usage);
  CHECK(code_of([] { parse_word<NormAndPool>("--norm-and-pool", "cublas"); }, "--norm-and-pool") ==
        ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) { c.device.name = "cuda:0"; }), "--device") == ErrorCode::device);
  CHECK(code_of(with([](TrainConfig& c) {
                  c.run.resume = "/nowhere";
                  c.run.out.clear();
                }),
                "--resume") == ErrorCode::data);
  CHECK(code_of(with([](TrainConfig& c) { c.run.out = "/proc/run"; }), "--out") == ErrorCode::data);
  CHECK(!std::filesystem::exists(config.run.out));

  train(config);
  CHECK(code_of(with([](TrainConfig&) {}), "--resume auto") == ErrorCode::usage);
  CHECK(code_of(with([](TrainConfig& c) {
                  c.run.resume = "auto";
                  c.recipe.batch_size = 8;
                }),
                "--batch-size") == ErrorCode::usage);
  std::filesystem::resize_file(config.run.out + "/resume.safetensors", 100000);
  CHECK(code_of(with([](TrainConfig& c) { c.run.resume = "auto"; }), "resume.safetensors: truncated") ==
        ErrorCode::data);
}

TEST_CASE("a loss that is not finite stops the run and keeps the last good checkpoint, which goes on") {
  const TemporaryDirectory directory;
  TrainConfig hot = small_run((directory / "hot"));
  hot.recipe.learning_rate = hot.recipe.min_learning_rate = 1e6;
  hot.recipe.epochs = 50;
  hot.run.save_every_minutes = 1e-9;  // after every step
  std::int64_t steps = 0;
  TrainCallbacks count;
  count.progress = [&](const TrainProgress& progress) { steps = std::max(steps, progress.step); };
  const auto failing = [&] { train(hot, count); };
  CHECK(code_of(failing, "--learning-rate") == ErrorCode::run_failed);
  const TensorFile saved = read_safetensors(hot.run.out + "/resume.safetensors");
  const std::int64_t good = std::stoll(saved.metadata.at("step"));
  CHECK(good >= 1);
  CHECK(good < 50 * 6);
  for (const NamedTensor& tensor : saved.tensors)
    CHECK(std::all_of(tensor.data.begin(), tensor.data.end(),
                      [](float value) { return std::isfinite(value); }));

  // It is that of a run which was stopped there, and it fails again where the first did.
  TrainConfig straight = hot;
  straight.run.out = directory / "straight";
  straight.run.steps = good;
  CHECK(train(straight).steps == good);
  const TensorFile same = read_safetensors(straight.run.out + "/resume.safetensors");
  REQUIRE(same.tensors.size() == saved.tensors.size());
  for (std::size_t i = 0; i < same.tensors.size(); ++i) CHECK(same.tensors[i].data == saved.tensors[i].data);
  hot.run.resume = "auto";
  const std::int64_t first = steps;
  steps = 0;
  CHECK(code_of(failing, "the last good checkpoint, of step " + std::to_string(good) + ", is in " +
                             hot.run.out) == ErrorCode::run_failed);
  CHECK(steps == first);

  hot.run.out = directory / "never";
  hot.run.resume.clear();
  hot.run.save_every_minutes = 0.0;
  hot.data.spec = "synthetic:9600";  // no epoch ends before
  CHECK(code_of(failing, "no checkpoint was written before") == ErrorCode::run_failed);
}

}  // namespace rlnas
