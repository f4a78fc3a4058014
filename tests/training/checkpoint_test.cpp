// The files of a run: what a damaged or foreign state is refused for, who may write, when it is saved, and
// that every SuperNet goes on from them to the same bits.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/atomic_file.h"
#include "engine/file_lock.h"
#include "engine/safetensors.h"
#include "rlnas/search.hpp"
#include "search/run_directory.h"
#include "search/trainer.h"
#include "tests/search/every_space.h"
#include "tests/support/errors.h"
#include "tests/support/ranks.h"
#include "tests/support/temporary_directory.h"
#include "tests/training/small_run.h"

namespace rlnas {
namespace {

using test::contains;
using test::error_of;
using test::small_run;
using test::TemporaryDirectory;

std::vector<std::vector<float>> tensors_of(const std::string& path) {
  std::vector<std::vector<float>> all;
  for (const NamedTensor& tensor : read_safetensors(path).tensors) all.push_back(tensor.data);
  return all;
}

std::int64_t saved_step(const std::string& run) {
  return std::stoll(read_safetensors(run + "/resume.safetensors").metadata.at("step"));
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

// Saves after two of four steps, and goes on.
void check_goes_on(const std::string& space, int image_size) {
  const TemporaryDirectory directory;
  TrainConfig config = default_train_config(space);
  config.data.spec = "synthetic:8";
  config.data.image_size = image_size;
  config.data.crop = TrainingCrop::shift;
  config.recipe.batch_size = 2;  // 4 steps an epoch
  config.recipe.epochs = 1;
  config.device.name = "cpu";
  config.run.out = directory / "straight";
  CHECK(train(config).steps == 4);
  config.run.out = directory / "stopped";
  config.run.steps = 2;
  CHECK(train(config).steps == 2);
  CHECK(saved_step(config.run.out) == 2);
  config.run.steps = 0;
  config.run.resume = "auto";
  CHECK(train(config).steps == 4);
  CHECK(tensors_of(config.run.out + "/resume.safetensors") ==
        tensors_of(directory / "straight/resume.safetensors"));
}

}  // namespace

TEST_CASE("a state to resume from with a value that no run has written is refused, naming it") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "run");
  config.run.steps = 4;
  train(config);
  config.run.resume = "auto";
  const std::string path = config.run.out + "/resume.safetensors";
  const TensorFile good = read_safetensors(path);
  const auto error_with = [&](const std::function<void(TensorFile&)>& change) {
    TensorFile bad = good;
    change(bad);
    write_safetensors(path, bad);
    return error_of(ErrorCode::data, [&] { train(config); });
  };
  const std::vector<std::pair<std::string, std::string>> bad_values = {{"step", "-1"},
                                                                       {"step", "13"},
                                                                       {"step", "4x"},
                                                                       {"step", ""},
                                                                       {"step", "0x4"},
                                                                       {"epoch_images", "-16"},
                                                                       {"epoch_images", "97"},
                                                                       {"epoch_correct", "65"},
                                                                       {"epoch_correct", "1.5"},
                                                                       {"epoch_loss_sum", "nan"},
                                                                       {"epoch_loss_sum", "inf"},
                                                                       {"epoch_loss_sum", "-1"},
                                                                       {"epoch_loss_sum", "0x"},
                                                                       {"epoch_loss_sum", "2,5"},
                                                                       {"best_top1", "0.5"},
                                                                       {"best_step", "5"},
                                                                       {"ever_sampled", "01"},
                                                                       {"config", "{"},
                                                                       {"config", "[]"}};
  for (const auto& [key, value] : bad_values) {
    INFO(key << " = " << value);
    const std::string error = error_with([&](TensorFile& file) { file.metadata[key] = value; });
    CHECK(error.starts_with(path + ": "));
    CHECK(contains(error, key == "config" ? "configuration" : key));
  }
  // What an evaluation was best at: a step that was made, and a share; or neither.
  const auto error_of_best = [&](const char* step, const char* top1) {
    return error_with([&](TensorFile& file) {
      file.metadata["best_step"] = step;
      file.metadata["best_top1"] = top1;
    });
  };
  for (const auto& [step, top1] :
       {std::pair{"-1", "-1"}, {"-1", "-0x1p+0"}, {"0", "0.5"}, {"4", "0"}, {"4", "1"}})
    CHECK(error_of_best(step, top1) == "");
  for (const auto& [step, top1] :
       {std::pair{"-1", "-0x2p+0"}, {"-1", "0x1p+0"}, {"-1", "0"}, {"0", "-1"}, {"4", "1.5"}})
    CHECK(contains(error_of_best(step, top1), "best_top1"));
  CHECK(contains(error_of_best("-2", "-1"), "best_step"));
  for (const char* sum : {"0", "0.25", "0x1p-2"})
    CHECK(error_with([&](TensorFile& file) { file.metadata["epoch_loss_sum"] = sum; }) == "");
  for (const char* key : {"step", "epoch_loss_sum", "ever_sampled", "config", "data_crc32", "best_step"})
    CHECK(contains(error_with([&](TensorFile& file) { file.metadata.erase(key); }), key));
  CHECK(
      contains(error_with([](TensorFile& file) { file.metadata["ever_sampled"][3] = '2'; }), "ever_sampled"));

  // Of the configuration those settings have to be there that a resumed run has to keep.
  const auto without = [&](const char* key) {
    return [&good, key](TensorFile& file) {
      auto started = nlohmann::json::parse(good.metadata.at("config"));
      REQUIRE(started.erase(key) == 1);
      file.metadata["config"] = started.dump();
    };
  };
  CHECK(contains(error_with(without("learning-rate")), "--learning-rate"));
  CHECK(contains(error_with(without("seed")), "--seed"));
  CHECK(error_with(without("save-every")) == "");
}

TEST_CASE("a state of an older version is gone on with") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "straight");
  train(config);
  config.run.out = directory / "run";
  config.run.steps = 4;
  train(config);
  const std::string path = config.run.out + "/resume.safetensors";
  TensorFile old = read_safetensors(path);
  for (const char* key : {"best_top1", "best_step"}) old.metadata.erase(key);
  char text[64];
  std::snprintf(text, sizeof(text), "%a", std::stod(old.metadata.at("epoch_loss_sum")));
  old.metadata["epoch_loss_sum"] = text;
  write_safetensors(path, old);
  config.run.steps = 0;
  config.run.resume = "auto";
  const TrainResult resumed = train(config);
  CHECK(tensors_of(config.run.out + "/resume.safetensors") ==
        tensors_of(directory / "straight/resume.safetensors"));
  CHECK(resumed.steps == 12);
}

TEST_CASE("a run directory has one trainer at a time, in this process too, and is cleared when it is taken") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "run");
  std::string fresh, resumed, elsewhere = "no";
  TrainCallbacks callbacks;
  callbacks.progress = [&](const TrainProgress& progress) {
    if (progress.step != 7 || progress.epoch_end) return;
    TrainConfig second = config;
    fresh = error_of(ErrorCode::usage, [&] { train(second); });
    second.run.resume = "auto";
    resumed = error_of(ErrorCode::usage, [&] { train(second); });
    second.run.resume.clear();
    second.run.out = directory / "other";
    second.run.steps = 1;
    elsewhere = error_of(ErrorCode::usage, [&] { train(second); });
  };
  CHECK(train(config, callbacks).steps == 12);
  const std::string said =
      "--out " + config.run.out + ": in use by process " + std::to_string(getpid()) + " on ";
  CHECK(fresh.starts_with(said));
  CHECK(resumed.starts_with(said));
  CHECK(elsewhere == "");
  const std::vector<std::string> files = {"events.jsonl", "init.safetensors", "latest.safetensors",
                                          "resume.safetensors", "run.json"};
  CHECK(names_in(config.run.out) == files);

  test::write_text(config.run.out + "/.lock", "1 on a host that is gone");  // of a process that is no more
  for (const char* left : {"resume.safetensors.rlnas-4194305-0.tmp", "latest.safetensors.tmp"})
    test::write_text(config.run.out + "/" + left, "half");
  config.run.resume = "auto";
  CHECK(train(config).steps == 12);
  CHECK(names_in(config.run.out) == files);
}

TEST_CASE("a directory that gets a run while another one starts is not written over") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "run");
  config.run.steps = 1;
  TrainCallbacks callbacks;
  bool first = true;
  callbacks.log = [&](const std::string&) {  // the device is chosen, nothing is written
    if (std::exchange(first, false)) train(config);
  };
  CHECK(contains(error_of(ErrorCode::usage, [&] { train(config, callbacks); }), "already holds a run"));
}

TEST_CASE("--eval-only reads beside a run that goes on, and writes nothing") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "run");
  config.network.arch = "#0";
  config.labels.kind = LabelKind::from_data;
  config.eval.spec = "synthetic:40";
  config.run.steps = 4;
  train(config);
  const std::string events = read_file(config.run.out + "/events.jsonl");
  const FileLock another(config.run.out + "/.lock", "test");
  config.run.resume = config.run.out;
  config.eval.only = true;
  CHECK(train(config).evaluated);
  CHECK(read_file(config.run.out + "/events.jsonl") == events);
}

TEST_CASE("the directory without a name holds nothing and has no files") {
  const RunDirectory none("");
  CHECK(none.space() == "");
  CHECK(!none.holds_run());
  for (const auto& file : {&RunDirectory::init_file, &RunDirectory::run_file, &RunDirectory::trace_file})
    CHECK(contains(error_of(ErrorCode::usage, [&] { (none.*file)(); }), "run directory"));
  CHECK(contains(error_of(ErrorCode::usage, [] { angles("", {}); }), "run directory"));
}

TEST_CASE("--save-every keeps the state within an epoch, and the run goes on from there to the same bits") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "straight");
  train(config);
  config.run.out = directory / "run";
  config.run.save_every_minutes = 1e-9;
  struct Killed {};
  TrainCallbacks callbacks;
  callbacks.progress = [&](const TrainProgress& progress) {
    if (progress.step == 10) throw Killed();  // ends the run as kill -9 would: without saving
  };
  CHECK_THROWS_AS(train(config, callbacks), Killed);
  CHECK(saved_step(config.run.out) == 9);  // 6 steps an epoch
  CHECK(read_safetensors(config.run.out + "/latest.safetensors").metadata.at("step") == "6");
  config.run.resume = "auto";
  std::vector<std::int64_t> steps;
  callbacks.progress = [&](const TrainProgress& progress) { steps.push_back(progress.step); };
  const TrainResult resumed = train(config, callbacks);
  CHECK(steps.front() == 10);
  CHECK(resumed.steps == 12);
  for (const char* file : {"/resume.safetensors", "/latest.safetensors"})
    CHECK(tensors_of(config.run.out + file) == tensors_of(directory / "straight" + file));

  config.run.out = directory / "seldom";
  config.run.resume.clear();
  for (const double minutes : {0.0, 60.0}) {
    config.run.save_every_minutes = minutes;
    callbacks.progress = [&](const TrainProgress& progress) {
      if (progress.step == 5) throw Killed();
    };
    CHECK_THROWS_AS(train(config, callbacks), Killed);
    CHECK(!std::filesystem::exists(config.run.out + "/resume.safetensors"));
  }
}

TEST_CASE("a run killed between the files of its last save writes the others when it goes on") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "run");
  config.run.checkpoint_every = 1;
  config.run.steps = 6;
  train(config);
  const std::string latest = config.run.out + "/latest.safetensors",
                    last_epoch = config.run.out + "/epoch_2.safetensors", older = read_file(latest);
  config.run.steps = 0;
  config.run.resume = "auto";
  train(config);
  const std::string model = read_file(latest), kept = read_file(last_epoch);
  CHECK(model != older);
  for (const bool has_older : {true, false}) {
    std::filesystem::remove(latest);
    std::filesystem::remove(last_epoch);
    if (has_older) write_file_atomically(latest, older);
    CHECK(train(config).steps == 12);
    CHECK(read_file(latest) == model);
    CHECK(read_file(last_epoch) == kept);
  }
  std::filesystem::remove(last_epoch);
  train(config);
  CHECK(read_file(last_epoch) == kept);
}

TEST_CASE("rank 0's clock decides when all ranks save") {
  const TemporaryDirectory directory;
  const auto train_on_two = [&](TrainConfig config, double minutes_0, double minutes_1, std::int64_t stop) {
    const auto outcomes = test::run_ranks(2, [&](Communicator& communicator) {
      TrainConfig own = config;
      own.device.threads = 1;
      own.run.save_every_minutes = communicator.rank() == 0 ? minutes_0 : minutes_1;
      TrainCallbacks callbacks;
      callbacks.progress = [&](const TrainProgress& progress) {
        if (progress.step == stop) throw Error(ErrorCode::run_failed, "stopped");
      };
      train(own, callbacks, communicator);
    });
    return outcomes[0].error;
  };
  CHECK(train_on_two(small_run(directory / "straight"), 0.0, 0.0, -1) == "");
  TrainConfig config = small_run(directory / "run");
  CHECK(train_on_two(config, 1e-9, 0.0, 4) == "stopped");
  CHECK(saved_step(config.run.out) == 3);
  config.run.resume = "auto";
  CHECK(train_on_two(config, 0.0, 1e-9, -1) == "");
  CHECK(tensors_of(config.run.out + "/resume.safetensors") ==
        tensors_of(directory / "straight/resume.safetensors"));
}

TEST_CASE("the SuperNet of nasbench201 goes on from its state to the bits of a run straight through") {
  check_goes_on("nasbench201", 16);
}
TEST_CASE("the SuperNet of darts-cifar goes on from its state to the bits of a run straight through") {
  check_goes_on("darts-cifar", 16);
}
TEST_CASE("the SuperNet of darts-imagenet goes on from its state to the bits of a run straight through") {
  check_goes_on("darts-imagenet", 32);
}
TEST_CASE("the SuperNets of files' spaces go on from their state to the bits of a run straight through") {
  for (const std::string& name : test::kOwnSpaces) check_goes_on(test::shipped_space(name), 16);
}
TEST_CASE("the SuperNet of mobilenet goes on from its state to the bits of a run straight through") {
  check_goes_on("mobilenet", 32);
}

}  // namespace rlnas
