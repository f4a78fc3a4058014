// The programs as a user runs them: exit codes, signals, configuration, one line an error.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

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
  REQUIRE(run(directory, small_run(directory / "straight")).exit_code == 0);
  const std::string out = directory / "killed";
  const ChildProcess program(directory, small_run(out));
  program.signal_after(SIGKILL, out + "/events.jsonl", 10);  // the first epoch has 6 steps
  CHECK(program.wait().exit_code == -1);
  std::vector<std::string> again = small_run(out);
  again.insert(again.end(), {"--resume", "auto"});
  const Outcome resumed = run(directory, again);
  CHECK(resumed.exit_code == 0);
  CHECK(resumed.out.find("resumed from") != std::string::npos);
  CHECK(read_text(out + "/latest.safetensors") == read_text(directory / "straight/latest.safetensors"));
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
}

}  // namespace rlnas
