// Whole runs that are killed, by kill -9, again and again until they come to their end: at random changes of
// files (io_faults.cpp), and at random instants. What they leave then is, bit for bit, what a run leaves that
// nobody disturbs. RLNAS_KILLS: how many each case makes at least; a few in the suite.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/apps/tiny_runs.h"

namespace rlnas {
namespace {

namespace fs = std::filesystem;
using namespace rlnas::test;

int wanted_kills() {
  const char* const text = std::getenv("RLNAS_KILLS");
  return text == nullptr ? 4 : std::atoi(text);
}

using Files = std::map<std::string, std::string>;

// What depends on the clock alone is left out: events, and the page's.
Files files_of(const std::string& directory) {
  Files files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    const std::string name = fs::relative(entry.path(), directory).string();
    if (entry.is_regular_file() && entry.path().filename() != "events.jsonl")
      files[name] = read_text(entry.path().string());
  }
  return files;
}

// Without the line of search.json that counts what this process has computed itself.
std::string without_effort(std::string text) {
  const std::size_t at = text.find("\"networks_computed\"");
  if (at != std::string::npos) text.erase(at, text.find('\n', at) - at);
  return text;
}

struct KilledRun {
  using Arguments = std::function<std::vector<std::string>(const std::string& out)>;
  Arguments command;
  Arguments to_go_on;  // more of them, by what is there already
};

void check_killed(const TemporaryDirectory& directory, const KilledRun& run) {
  using Clock = std::chrono::steady_clock;
  const std::string out = directory / "out", straight = directory / "straight", counts = directory / "counts";
  const auto start = Clock::now();
  const Outcome undisturbed =
      ChildProcess(directory, run.command(out), {kPreload, "RLNAS_IO_COUNT=" + counts}).wait();
  REQUIRE_MESSAGE(undisturbed.exit_code == 0, undisturbed.err);
  const double whole_ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  const long changes = std::stol(read_text(counts));
  REQUIRE(changes > 10);
  const Files expected = files_of(out);
  fs::rename(out, straight);

  std::mt19937 random{unsigned(wanted_kills())};
  std::size_t by_change = 0, by_instant = 0, rounds = 0;
  while (int(by_change + by_instant) < wanted_kills()) {
    fs::remove_all(out);
    ++rounds;
    for (int tries = 0;; ++tries) {
      REQUIRE(tries < 1000);
      std::vector<std::string> command = run.command(out);
      const std::vector<std::string> more = run.to_go_on(out);
      command.insert(command.end(), more.begin(), more.end());
      const bool at_change = random() % 2 == 0;
      const long place = 1 + long(random() % unsigned(changes));
      std::vector<std::string> environment;
      if (at_change)
        environment = {kPreload, "RLNAS_IO_FAULT=kill", "RLNAS_IO_PLACE=" + std::to_string(place)};
      const ChildProcess program(directory, command, environment);
      if (!at_change) {
        usleep(useconds_t(1000.0 * whole_ms * double(random() % 1000) / 1000.0));
        program.send(SIGKILL);
      }
      const Outcome outcome = program.wait();
      if (outcome.exit_code == 0) break;
      CAPTURE(at_change);
      CAPTURE(place);
      REQUIRE_MESSAGE(outcome.exit_code == -1, outcome.err);
      ++(at_change ? by_change : by_instant);
    }
    const Files files = files_of(out);
    for (const auto& [name, content] : expected) {
      CAPTURE(name);
      REQUIRE(files.contains(name));
      const bool same = without_effort(files.at(name)) == without_effort(content);
      CHECK(same);
    }
    for (const auto& [name, content] : files) CHECK_MESSAGE(expected.contains(name), name);
  }
  MESSAGE(by_change, " kills at changes of files, ", by_instant, " at random instants, ", rounds, " runs");
}

}  // namespace

TEST_CASE("training that is killed again and again ends in the same files") {
  const TemporaryDirectory directory;
  const auto command = [](const std::string& out) {
    std::vector<std::string> arguments = tiny_training(out);
    arguments.insert(arguments.end(), {"--resume", "auto"});  // which run.json tells
    return arguments;
  };
  check_killed(directory, {command, [](const std::string&) { return std::vector<std::string>(); }});
}

TEST_CASE("a search that is killed again and again ends in the same files, its report among them") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run";
  REQUIRE(ChildProcess(directory, tiny_training(run)).wait().exit_code == 0);
  check_killed(directory, {.command = [&](const std::string& out) { return tiny_search(run, out); },
                           .to_go_on =
                               [](const std::string& out) {
                                 return fs::exists(out + "/search_state.json")
                                            ? std::vector<std::string>{"--resume"}
                                            : std::vector<std::string>{};
                               }});
}

}  // namespace rlnas
