// The programs on several ranks, started in the way of torchrun: results, signals, and ranks that die or
// hang.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "tests/search/fake_run.h"
#include "tests/support/rank_programs.h"

namespace rlnas {
namespace {

using test::ChildProcess;
using test::Outcome;
using Ranks = test::RankPrograms;
using test::read_text;
using test::TemporaryDirectory;

std::vector<std::string> train_arguments(const std::string& out, int epochs = 3) {
  return {RLNAS_TRAIN,
          "--data",
          "synthetic:96",
          "--image-size",
          "16",
          "--batch-size",
          "16",
          "--log-every",
          "1",
          "--device",
          "cpu",
          "--out",
          out,
          "--epochs",
          std::to_string(epochs)};
}

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

bool one_line(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n') == 1;
}

Outcome run(const TemporaryDirectory& directory, std::vector<std::string> arguments) {
  return ChildProcess(directory, std::move(arguments)).wait();
}

}  // namespace

TEST_CASE("two ranks train one run, twice to the same bits, and rank 0 alone speaks") {
  const TemporaryDirectory directory;
  for (const char* name : {"a", "b"}) {
    const std::vector<Outcome> outcomes = Ranks(2, train_arguments(directory / name)).wait();
    for (const Outcome& outcome : outcomes) {
      CHECK(outcome.exit_code == 0);
      CHECK(outcome.err == "");
    }
    CHECK(outcomes[0].out.find("2 ranks") != std::string::npos);
    CHECK(outcomes[0].out.find("done: 18 steps") != std::string::npos);
    CHECK(outcomes[1].out == "");
  }
  CHECK(read_text(directory / "a/latest.safetensors") == read_text(directory / "b/latest.safetensors"));
}

TEST_CASE("a signal to one rank stops all, after saving, and the run goes on to the same bits") {
  const TemporaryDirectory directory;
  for (const Outcome& outcome : Ranks(2, train_arguments(directory / "straight")).wait())
    REQUIRE(outcome.exit_code == 0);
  const std::string out = directory / "stopped";
  const Ranks ranks(2, train_arguments(out));
  ranks[1].signal_after(SIGTERM, out + "/events.jsonl", 4);
  const std::vector<Outcome> stopped = ranks.wait();
  CHECK(stopped[0].exit_code == 143);
  CHECK(stopped[1].exit_code == 143);
  CHECK(stopped[0].out.find("--resume " + out) != std::string::npos);
  for (const Outcome& outcome : Ranks(2, with(train_arguments(out), {"--resume", "auto"})).wait())
    CHECK(outcome.exit_code == 0);
  CHECK(read_text(out + "/latest.safetensors") == read_text(directory / "straight/latest.safetensors"));
}

TEST_CASE("a rank that is killed ends the others at once with exit code 5") {
  const TemporaryDirectory directory;
  for (const int killed : {0, 2}) {
    const std::string out = directory / std::to_string(killed);
    const Ranks ranks(3, train_arguments(out, 1000));
    ranks[killed].signal_after(SIGKILL, out + "/events.jsonl", 4);
    const auto start = std::chrono::steady_clock::now();
    const std::vector<Outcome> outcomes = ranks.wait();
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
    for (int rank = 0; rank < 3; ++rank) {
      const Outcome& outcome = outcomes[std::size_t(rank)];
      INFO(outcome.err);
      CHECK(outcome.exit_code == (rank == killed ? -1 : 5));
      if (rank == killed) continue;
      CHECK(one_line(outcome.err));
      CHECK(outcome.err.find("rlnas_train: rank " + std::to_string(rank) + ", step ") == 0);
      CHECK(outcome.err.find("lost rank ") != std::string::npos);
    }
  }
}

TEST_CASE("a rank that hangs ends the others after --comm-timeout with exit code 5") {
  const TemporaryDirectory directory;
  const std::string out = directory / "run";
  const Ranks ranks(2, with(train_arguments(out, 1000), {"--comm-timeout", "2"}));
  ranks[1].signal_after(SIGSTOP, out + "/events.jsonl", 4);
  const auto start = std::chrono::steady_clock::now();
  const Outcome waiting = ranks[0].wait();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  ranks[1].send(SIGKILL);
  CHECK(ranks[1].wait().exit_code == -1);
  INFO(waiting.err);
  CHECK(waiting.exit_code == 5);
  CHECK(elapsed.count() > 1.0);
  CHECK(elapsed.count() < 20.0);
  CHECK(one_line(waiting.err));
  CHECK(waiting.err.find("rlnas_train: rank 0, step ") == 0);
  CHECK(waiting.err.find("no progress for 2 s, waiting for rank 1") != std::string::npos);
}

TEST_CASE("half an environment, or a timeout that is none, is wrong use") {
  const TemporaryDirectory directory;
  for (const char* program : {RLNAS_TRAIN, RLNAS_SEARCH}) {
    std::vector<std::string> arguments = {program, "--supernet", directory / "run"};
    if (program == std::string(RLNAS_TRAIN)) arguments = train_arguments(directory / "run");
    const Outcome half =
        ChildProcess(directory, arguments, {"RANK=0", "MASTER_ADDR=127.0.0.1", "MASTER_PORT=1"}).wait();
    INFO(half.err);
    CHECK(half.exit_code == 2);
    CHECK(one_line(half.err));
    CHECK(half.err.find("WORLD_SIZE is not set") != std::string::npos);
    CHECK(run(directory, with(arguments, {"--comm-timeout", "0"})).exit_code == 2);
  }
}

TEST_CASE("two ranks search as one does") {
  const TemporaryDirectory directory;
  REQUIRE(run(directory, train_arguments(directory / "run", 1)).exit_code == 0);
  for (const char* method : {"evolution", "exhaustive", "random"}) {
    const std::vector<std::string> arguments = {RLNAS_SEARCH, "--supernet", directory / "run",
                                                "--method",   method,       "--json",
                                                "-",          "--out",      directory / "s"};
    const Outcome one = run(directory, arguments);
    const std::vector<Outcome> two = Ranks(2, arguments).wait();
    INFO(two[0].err, two[1].err);
    CHECK(one.exit_code == 0);
    CHECK(two[0].exit_code == 0);
    CHECK(two[1].exit_code == 0);
    CHECK(two[0].out == one.out);
    CHECK(two[1].out == "");
  }
}

TEST_CASE("two ranks search a DARTS space as one does") {
  const TemporaryDirectory directory;
  test::write_fake_run(directory / "run", {.space = "darts-cifar", .seed = 5});
  for (const char* method : {"evolution", "random", "exact"}) {
    const std::vector<std::string> arguments = {
        RLNAS_SEARCH, "--supernet", directory / "run", "--space",       "darts-cifar",   "--method", method,
        "--json",     "-",          "--out",           directory / "s", "--generations", "5"};
    const Outcome one = run(directory, arguments);
    const std::vector<Outcome> two = Ranks(2, arguments).wait();
    INFO(two[0].err, two[1].err);
    CHECK(one.exit_code == 0);
    CHECK(two[0].exit_code == 0);
    CHECK(two[1].exit_code == 0);
    CHECK(two[0].out == one.out);
    CHECK(two[1].out == "");
  }
}

}  // namespace rlnas
