// A long run grows by nothing: memory, threads and open files are the same after many steps as after some.
// RLNAS_LONG_STEPS: how many; a few in the suite.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/apps/tiny_runs.h"

namespace rlnas {
namespace {

using namespace rlnas::test;

struct Held {
  double memory_mib = 0.0;
  int threads = 0;
  int files = 0;
};

Held held_by(pid_t process) {
  const std::string directory = "/proc/" + std::to_string(process);
  Held held;
  std::ifstream status(directory + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) held.memory_mib = std::stod(line.substr(6)) / 1024.0;
    if (line.starts_with("Threads:")) held.threads = std::stoi(line.substr(8));
  }
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory + "/fd"))
    ++held.files;
  return held;
}

}  // namespace

TEST_CASE("a long run takes no more memory, threads or open files as it goes on") {
  const char* const text = std::getenv("RLNAS_LONG_STEPS");
  const long steps = text == nullptr ? 400 : std::atol(text);
  const TemporaryDirectory directory;
  const std::string out = directory / "out", events = out + "/events.jsonl";
  std::vector<std::string> command = tiny_training(out);
  command.insert(command.end(), {"--epochs", "1000000", "--log-every", "1", "--save-every", "0.02",
                                 "--checkpoint-every", "0", "--steps", std::to_string(steps + 2000)});
  const ChildProcess program(directory, command);
  program.signal_after(SIGCONT, events, steps / 4);
  const Held early = held_by(program.process());
  program.signal_after(SIGCONT, events, steps);
  const Held late = held_by(program.process());
  program.send(SIGTERM);
  CHECK(program.wait().exit_code == 143);
  MESSAGE(early.memory_mib, " MiB, then ", late.memory_mib, " MiB, ", late.threads, " threads, ", late.files,
          " open files");
  CHECK(early.threads > 0);
  CHECK(late.threads == early.threads);
  CHECK(std::abs(late.files - early.files) <= 2);  // a checkpoint may just be written
  CHECK(late.memory_mib < early.memory_mib + 1.0);
}

}  // namespace rlnas
