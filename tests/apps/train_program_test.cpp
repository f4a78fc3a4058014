// The programs as a user runs them: exit codes, signals, configuration, one line an error.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/safetensors.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

namespace rlnas {
namespace {

using test::ChildProcess;
using test::Outcome;
using test::read_text;
using test::TemporaryDirectory;

std::vector<std::string> small_run(const std::string& out) {
  return {RLNAS_TRAIN, "--data",   "synthetic:96", "--image-size", "16", "--batch-size", "16", "--log-every",
          "1",         "--device", "cpu",          "--epochs",     "3",  "--out",        out};
}

Outcome run(const TemporaryDirectory& directory, std::vector<std::string> arguments) {
  return ChildProcess(directory, std::move(arguments)).wait();
}

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::int64_t saved_step(const std::string& out) {
  return std::stoll(read_safetensors(out + "/resume.safetensors").metadata.at("step"));
}

// Of the lines that are whole.
std::int64_t last_step_logged(const std::string& out) {
  const std::string text = read_text(out + "/events.jsonl");
  const std::size_t at = text.rfind("\"step\":", text.rfind('\n'));
  REQUIRE(at != std::string::npos);
  return std::stoll(text.substr(at + 7));
}

// That a run which was killed goes on from step `saved`, to the bits of one that never was.
void check_goes_on(const TemporaryDirectory& directory, const std::vector<std::string>& command,
                   std::int64_t saved) {
  const std::string out =
      command[std::size_t(std::find(command.begin(), command.end(), "--out") - command.begin()) + 1];
  const std::string end = std::to_string(saved + 3);
  const Outcome resumed = run(directory, with(command, {"--resume", "auto", "--steps", end}));
  CHECK(resumed.exit_code == 0);
  CHECK(resumed.out.find("resumed from " + out + " at step " + std::to_string(saved) + "\n") !=
        std::string::npos);
  CHECK(saved_step(out) == saved + 3);
  const std::string straight = directory / "straight";
  REQUIRE(run(directory, with(command, {"--out", straight, "--steps", end})).exit_code == 0);
  CHECK(read_text(out + "/latest.safetensors") == read_text(straight + "/latest.safetensors"));
}

}  // namespace

TEST_CASE("Ctrl-C saves and exits 130, SIGTERM 143, and the run goes on to the same bits") {
  const TemporaryDirectory directory;
  REQUIRE(run(directory, small_run(directory / "straight")).exit_code == 0);
  for (const int signal : {SIGINT, SIGTERM}) {
    const std::string out = directory / ("stopped" + std::to_string(signal));
    const ChildProcess program(directory, small_run(out));
    program.signal_after(signal, out + "/events.jsonl", 4);
    const Outcome stopped = program.wait();
    CHECK(stopped.exit_code == 128 + signal);
    CHECK(stopped.out.find("--resume " + out) != std::string::npos);
    CHECK(run(directory, {RLNAS_TRAIN, "--resume", out, "--data", "synthetic:96", "--image-size", "16",
                          "--batch-size", "16", "--epochs", "3"})
              .exit_code == 0);
    CHECK(read_text(out + "/latest.safetensors") == read_text(directory / "straight/latest.safetensors"));
  }
}

TEST_CASE("--arch retrains by the recipe of its space, --eval tests it, --eval-only tests it again") {
  const TemporaryDirectory directory;
  const Outcome recipe =
      run(directory, {RLNAS_TRAIN, "--space", "darts-cifar", "--arch", "x", "--dump-config"});
  CHECK(recipe.out.find("epochs = 600") != std::string::npos);
  CHECK(recipe.out.find("labels = true") != std::string::npos);
  std::vector<std::string> command = small_run(directory / "run");
  command.insert(command.end(), {"--arch", "#0", "--eval", "synthetic:40", "--eval-every", "2"});
  const Outcome trained = run(directory, command);
  CHECK(trained.exit_code == 0);
  CHECK(trained.out.find("stand-alone: no angle") != std::string::npos);
  CHECK(trained.out.find("test of step 6:") == std::string::npos);
  CHECK(trained.out.find("test of step 12: top-1 ") != std::string::npos);
  const std::size_t last = trained.out.find("test of step 18: top-1 ");
  REQUIRE(last != std::string::npos);
  command.insert(command.end(), {"--resume", "auto", "--eval-only"});
  const Outcome tested = run(directory, command);
  CHECK(tested.exit_code == 0);
  const std::string line = trained.out.substr(last, trained.out.find('\n', last) - last);
  CHECK(tested.out.find(line) != std::string::npos);
  const Outcome bad =
      run(directory, {RLNAS_TRAIN, "--data", "synthetic:96", "--out", directory / "bad", "--arch", "#99999"});
  CHECK(bad.exit_code == 2);
}

TEST_CASE("kill -9 loses no more than the steps since the last checkpoint") {
  const TemporaryDirectory directory;
  const std::string out = directory / "killed";
  // A run that is far from its end when it is killed, whatever else the machine does.
  const std::vector<std::string> command = with(small_run(out), {"--epochs", "1000", "--save-every", "0"});
  const ChildProcess program(directory, command);
  program.signal_after(SIGKILL, out + "/events.jsonl", 10);  // an epoch has 6 steps
  CHECK(program.wait().exit_code == -1);
  const std::int64_t saved = saved_step(out);
  CHECK(saved >= 6);
  CHECK(saved % 6 == 0);
  CHECK(saved >= last_step_logged(out) - 12);  // an epoch, and the next while this was read
  check_goes_on(directory, command, saved);
}

TEST_CASE("kill -9 in the middle of an epoch loses no more than --save-every") {
  const TemporaryDirectory directory;
  const std::string out = directory / "killed";
  const std::vector<std::string> command =
      with(small_run(out), {"--data", "synthetic:8000", "--save-every", "0.00001"});  // 500 steps an epoch
  const ChildProcess program(directory, command);
  program.signal_after(SIGKILL, out + "/events.jsonl", 4);
  CHECK(program.wait().exit_code == -1);
  const std::int64_t saved = saved_step(out);
  CHECK(saved >= 3);
  CHECK(saved < 500);
  CHECK(saved >= last_step_logged(out) - 1);
  CHECK(!std::filesystem::exists(out + "/latest.safetensors"));
  check_goes_on(directory, command, saved);
}

TEST_CASE("a second process is kept out of a run directory until the first ends, even by kill -9") {
  const TemporaryDirectory directory, second;
  const std::string out = directory / "run";
  const std::vector<std::string> command = with(small_run(out), {"--epochs", "1000"});
  const ChildProcess program(directory, command);
  program.signal_after(0, out + "/events.jsonl", 8);
  const std::string holder = read_text(out + "/.lock");  // "PROCESS on HOST"
  CHECK(std::stoi(holder) > 1);
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--resume", "auto"}}) {
    const Outcome refused = run(second, with(command, more));
    CHECK(refused.exit_code == 2);
    CHECK(refused.err == "rlnas_train: --out " + out + ": in use by process " + holder +
                             "; wait until it ends, or choose another\n");
  }
  program.send(SIGKILL);
  CHECK(program.wait().exit_code == -1);
  CHECK(read_text(out + "/.lock") == holder);
  const std::int64_t saved = saved_step(out);
  CHECK(saved >= 6);
  const std::string steps = std::to_string(saved + 1);
  const Outcome resumed = run(second, with(command, {"--resume", "auto", "--steps", steps}));
  CHECK(resumed.exit_code == 0);
  CHECK(resumed.out.find("resumed from " + out + " at step " + std::to_string(saved)) != std::string::npos);
  CHECK(!std::filesystem::exists(out + "/.lock"));
}

TEST_CASE("wrong use ends in one line on stderr and the right exit code") {
  const TemporaryDirectory directory;
  const auto check = [&](std::vector<std::string> arguments, int code, const std::string& mentions) {
    const Outcome outcome = run(directory, std::move(arguments));
    INFO(outcome.err);
    CHECK(outcome.exit_code == code);
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK(outcome.err.starts_with("rlnas_"));
    CHECK(outcome.err.find(mentions) != std::string::npos);
  };
  check({RLNAS_TRAIN, "--epoch", "3"}, 2, "--epochs");  // did you mean
  check({RLNAS_TRAIN, "--data", "cifar10:" + directory.path(), "--out", directory / "run"}, 3,
        "data_batch_1");
  check({RLNAS_TRAIN, "--data", "synthetic:96", "--out", "/proc/nowhere"}, 3, "--out");
  // No machine has so many devices.
  check({RLNAS_TRAIN, "--data", "synthetic:96", "--out", directory / "run", "--device", "cuda:4095"}, 4,
        "--device");
  check({RLNAS_TRAIN, "--data", "synthetic:96", "--epochs", "three"}, 2, "--epochs");
  check({RLNAS_SEARCH, "--supernet", directory / "nothing"}, 3, "--supernet");
  check({RLNAS_SEARCH, "--describe", "|nor_conv_3x3~1|"}, 2, "nor_conv_3x3");
  CHECK(!std::filesystem::exists(directory / "run"));
}

TEST_CASE("a dumped configuration gives the run it came from") {
  const TemporaryDirectory directory;
  std::vector<std::string> arguments = small_run(directory / "a");
  arguments.push_back("--dump-config");
  const Outcome dumped = run(directory, arguments);
  REQUIRE(dumped.exit_code == 0);
  test::write_text(directory / "run.toml", dumped.out);
  arguments.pop_back();
  REQUIRE(run(directory, arguments).exit_code == 0);
  REQUIRE(
      run(directory, {RLNAS_TRAIN, "--config", directory / "run.toml", "--out", directory / "b"}).exit_code ==
      0);
  CHECK(read_text(directory / "a/latest.safetensors") == read_text(directory / "b/latest.safetensors"));
}

TEST_CASE("a space brings its published recipe, wherever it is named, and flags change it") {
  const TemporaryDirectory directory;
  const auto dumped = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), RLNAS_TRAIN);
    arguments.push_back("--dump-config");
    const Outcome outcome = run(directory, arguments);
    REQUIRE(outcome.exit_code == 0);
    return outcome.out;
  };
  const auto holds = [](const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
  };
  const std::string nasbench201 = dumped({}), darts = dumped({"--space", "darts-cifar"});
  CHECK(holds(nasbench201, "schedule = cosine"));
  CHECK(holds(nasbench201, "clip-norm = 0"));
  CHECK(holds(darts, "space = darts-cifar"));
  CHECK(holds(darts, "schedule = cosine-ahead"));
  CHECK(holds(darts, "clip-norm = 5"));
  CHECK(holds(dumped({"--clip-norm", "1", "--space=darts-cifar"}), "clip-norm = 1"));
  test::write_text(directory / "a.toml", "space = mobilenet\nepochs = 7\n");
  const std::string mobilenet = dumped({"--config", directory / "a.toml"});
  CHECK(holds(mobilenet, "epochs = 7"));
  CHECK(holds(mobilenet, "learning-rate = 0.25"));
  CHECK(run(directory, {RLNAS_TRAIN, "--space", "nasbench202"}).exit_code == 2);
}

TEST_CASE("--profile, with or without a value, prints where the time went and keeps the weights") {
  const TemporaryDirectory directory;
  REQUIRE(run(directory, small_run(directory / "plain")).exit_code == 0);
  int runs = 0;
  for (const std::vector<std::string>& switched :
       {std::vector<std::string>{"--profile"}, {"--profile", "true"}, {"--profile=false"}}) {
    const std::string out = directory / ("run" + std::to_string(runs++));
    std::vector<std::string> arguments = small_run(out);
    arguments.insert(arguments.begin() + 1, switched.begin(), switched.end());
    const Outcome outcome = run(directory, arguments);
    INFO(outcome.err);
    CHECK(outcome.exit_code == 0);
    const bool on = switched.back() != "--profile=false";
    CHECK((outcome.out.find("where the time of a step goes") != std::string::npos) == on);
    CHECK(std::filesystem::exists(out + "/trace.json") == on);
    CHECK(outcome.out.find("of the time waiting for images") != std::string::npos);
    CHECK(read_text(out + "/latest.safetensors") == read_text(directory / "plain/latest.safetensors"));
  }
}

TEST_CASE("train, search, describe: the whole chain") {
  const TemporaryDirectory directory;
  REQUIRE(run(directory, small_run(directory / "run")).exit_code == 0);
  const Outcome search = run(directory, {RLNAS_SEARCH, "--supernet", directory / "run", "--json", "-"});
  CHECK(search.exit_code == 0);
  CHECK(search.out.find("\"angle_rad\"") != std::string::npos);
  const Outcome plan = run(directory, {RLNAS_TRAIN, "--data", "synthetic:96", "--dry-run"});
  CHECK(plan.exit_code == 0);
  CHECK(plan.out.find("1686106") != std::string::npos);
  CHECK(plan.out.find("\nstage 2 ") != std::string::npos);
  CHECK(plan.out.find("global_avg_pool_forward") == std::string::npos);
  const Outcome calls = run(directory, {RLNAS_TRAIN, "--data", "synthetic:96", "--dry-run=calls"});
  CHECK(calls.out.find("global_avg_pool_forward") != std::string::npos);
  CHECK(run(directory, {RLNAS_TRAIN, "--data", "synthetic:96", "--dry-run=all"}).exit_code == 2);
  const Outcome quiet = run(directory, {RLNAS_TRAIN, "--data", "synthetic:64", "--steps", "1", "--quiet",
                                        "--out", directory / "quiet"});
  CHECK(quiet.exit_code == 0);
  CHECK(quiet.out.empty());
  const Outcome bare = run(directory, {RLNAS_TRAIN});
  CHECK(bare.exit_code == 2);
  CHECK(bare.err.find("--data cifar10:DIR") != std::string::npos);
}

}  // namespace rlnas
