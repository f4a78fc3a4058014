// Runs among faults of the system: each ends in one line and the right exit code, leaves what was good, and
// goes on from there to the bits of a run that nobody disturbed. RLNAS_FAULT_PLACES: at how many places of a
// run a failing read is tried at least; a few in the suite, 0 for all there are.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "tests/apps/tiny_runs.h"
#include "tests/data/image_writer.h"
#include "tests/support/memory_directory.h"
#include "tests/support/skip.h"

namespace rlnas {
namespace {

namespace fs = std::filesystem;
using namespace rlnas::test;

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

struct Counts {
  long changes = 0, writes = 0, reads = 0;
};

// A run that nobody disturbs, and how often it touches files.
Counts run_straight(const TemporaryDirectory& directory, const std::string& out,
                    const std::vector<std::string>& more = {}) {
  const std::string file = directory / "counts";
  const Outcome outcome =
      ChildProcess(directory, with(tiny_training(out), more), {kPreload, "RLNAS_IO_COUNT=" + file}).wait();
  REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
  Counts counts;
  std::istringstream(read_text(file)) >> counts.changes >> counts.writes >> counts.reads;
  return counts;
}

// From 1 to count, evenly spaced, with both ends.
std::vector<long> places_of(long count) {
  const char* const text = std::getenv("RLNAS_FAULT_PLACES");
  const long wanted = text == nullptr ? 8 : std::atol(text) > 0 ? std::atol(text) : count;
  std::vector<long> places;
  for (long i = 0; i < std::min(wanted, count); ++i)
    places.push_back(1 + i * (count - 1) / std::max(1L, std::min(wanted, count) - 1));
  return places;
}

void check_one_line(const Outcome& outcome) {
  CHECK(outcome.exit_code == 3);
  CHECK(outcome.err.starts_with("rlnas_train: "));
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
}

void check_same_weights(const std::string& run, const std::string& expected) {
  for (const char* file : {"/init.safetensors", "/latest.safetensors", "/epoch_2.safetensors"})
    CHECK(read_text(run + file) == read_text(expected + file));
}

void check_goes_on(const TemporaryDirectory& directory, const std::string& out, const std::string& expected,
                   std::vector<std::string> more = {}) {
  more.insert(more.end(), {"--resume", "auto"});
  const Outcome outcome = ChildProcess(directory, with(tiny_training(out), more)).wait();
  CHECK_MESSAGE(outcome.exit_code == 0, outcome.err);
  check_same_weights(out, expected);
}

// What lies in a run directory, but for the times of events: what a run that goes on there depends on.
std::string state_of(const std::string& out) {
  if (!fs::exists(out)) return "";
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(out)) {
    const std::string name = entry.path().filename().string(), text = read_text(entry.path().string());
    files[name] = name != "events.jsonl" ? text
                                         : std::to_string(std::count(text.begin(), text.end(), '\n')) +
                                               (text.ends_with('\n') ? " whole lines" : " lines and a part");
  }
  std::string state;
  for (const auto& [name, text] : files)
    state += name + " " + std::to_string(text.size()) + "\n" + text + "\n";
  return state;
}

}  // namespace

// A run of all that is written: a first state, states within an epoch and at its end, epochs that are kept.
// Each of its writes is tried; to go on is tried from every state that is left, which many of them have in
// common.
TEST_CASE("a disk that is full from the n-th write on, for every n") {
  keep_files_in_memory();
  const TemporaryDirectory directory;
  const std::string straight = directory / "straight", out = directory / "out";
  const std::vector<std::string> short_run{"--batch-size", "32", "--epochs", "2"};
  const Counts counts = run_straight(directory, straight, short_run);
  REQUIRE(counts.writes > 50);
  std::set<std::string> gone_on;
  for (long place = 1; place <= counts.writes; ++place) {
    CAPTURE(place);
    fs::remove_all(out);
    const Outcome outcome =
        ChildProcess(directory, with(tiny_training(out), short_run),
                     {kPreload, "RLNAS_IO_FAULT=full", "RLNAS_IO_PLACE=" + std::to_string(place)})
            .wait();
    CAPTURE(outcome.err);
    check_one_line(outcome);
    if (fs::exists(out))
      for (const auto& entry : fs::directory_iterator(out)) CHECK(entry.path().extension() != ".tmp");
    if (gone_on.insert(state_of(out)).second) check_goes_on(directory, out, straight, short_run);
  }
  MESSAGE(counts.writes, " writes, ", gone_on.size(), " states to go on from");
  CHECK(gone_on.size() > 4);
}

TEST_CASE("short reads and writes, interrupted ones and a clock that jumps change nothing") {
  const TemporaryDirectory directory;
  run_straight(directory, directory / "straight");
  for (const char* fault : {"short", "clock"}) {
    CAPTURE(fault);
    const std::string out = directory / fault;
    for (const std::vector<std::string>& more :
         {std::vector<std::string>{"--steps", "6"}, {"--resume", "auto", "--tensorboard", out + "-events"}}) {
      const Outcome outcome = ChildProcess(directory, with(tiny_training(out), more),
                                           {kPreload, std::string("RLNAS_IO_FAULT=") + fault})
                                  .wait();
      REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
    }
    check_same_weights(out, directory / "straight");
  }
}

TEST_CASE("a file that cannot be read to its end ends the run in one line, and the state stays") {
  const TemporaryDirectory directory;
  const std::string straight = directory / "straight", half = directory / "half", out = directory / "out";
  run_straight(directory, straight);
  REQUIRE(ChildProcess(directory, with(tiny_training(half), {"--steps", "6"})).wait().exit_code == 0);
  for (const long place : places_of(24)) {  // the space, run.json, the state, ...
    CAPTURE(place);
    fs::remove_all(out);
    fs::copy(half, out);
    const Outcome outcome =
        ChildProcess(directory, with(tiny_training(out), {"--resume", "auto"}),
                     {kPreload, "RLNAS_IO_FAULT=error", "RLNAS_IO_PLACE=" + std::to_string(place)})
            .wait();
    CAPTURE(outcome.err);
    if (outcome.exit_code != 0) check_one_line(outcome);
    check_goes_on(directory, out, straight);
  }
}

TEST_CASE("a run directory that vanishes, or becomes one to read alone, ends the run in one line") {
  const TemporaryDirectory directory;
  const std::string straight = directory / "straight", disk = directory / "disk";
  run_straight(directory, straight);
  const std::vector<std::string> endless{"--epochs", "100000", "--log-every", "1", "--checkpoint-every", "0"};
  {
    const std::string out = directory / "out";
    const ChildProcess program(directory, with(tiny_training(out), endless));
    program.signal_after(SIGCONT, out + "/events.jsonl", 5);
    fs::rename(out, directory / "gone");
    const Outcome outcome = program.wait();
    CAPTURE(outcome.err);
    check_one_line(outcome);
    CHECK_FALSE(fs::exists(out));
    fs::rename(directory / "gone", out);  // it is back, with the last state that went into it
    CHECK(ChildProcess(directory,
                       with(with(tiny_training(out), endless), {"--resume", "auto", "--steps", "12"}))
              .wait()
              .exit_code != 3);
  }
  fs::create_directory(disk);
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=48m") != 0) {
    MESSAGE("no file system of its own: not tried read-only");
    return;
  }
  const std::string out = disk + "/run";
  REQUIRE(ChildProcess(directory, with(tiny_training(out), {"--steps", "6"})).wait().exit_code == 0);
  REQUIRE(mount("none", disk.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  const Outcome outcome = ChildProcess(directory, with(tiny_training(out), {"--resume", "auto"})).wait();
  CAPTURE(outcome.err);
  check_one_line(outcome);
  CHECK(outcome.err.find("Read-only file system") != std::string::npos);
  REQUIRE(mount("none", disk.c_str(), "tmpfs", MS_REMOUNT, "size=48m") == 0);
  check_goes_on(directory, out, straight);
  umount2(disk.c_str(), MNT_DETACH);
}

TEST_CASE("image files that are cut or go away during a run are named, and others take their places") {
  const TemporaryDirectory directory;
  const std::string images = directory / "images", out = directory / "out";
  fs::create_directory(images);
  for (int i = 0; i < 48; ++i) {
    const Bytes png = make_png(12, 12, PngColor::rgb,
                               [&](int y, int x) { return std::uint32_t(i * 5 + y * 2560 + x * 131072); });
    write_text(images + "/" + std::to_string(i) + ".png", {png.begin(), png.end()});
  }
  std::vector<std::string> command =
      with(tiny_training(out, "folder:" + images),
           {"--epochs", "100000", "--log-every", "1", "--checkpoint-every", "0", "--save-every", "0",
            "--crop", "resized", "--label-classes", "10"});
  const auto lines_of = [&] {
    const std::string text = read_text(out + "/events.jsonl");
    return std::count(text.begin(), text.end(), '\n');
  };
  const ChildProcess program(directory, command);
  program.signal_after(SIGCONT, out + "/events.jsonl", 3);
  fs::resize_file(images + "/7.png", 40);
  fs::remove(images + "/11.png");
  program.signal_after(SIGTERM, out + "/events.jsonl", lines_of() + 16);
  const Outcome outcome = program.wait();
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == 143);
  for (const char* name : {"/7.png", "/11.png"})
    CHECK_MESSAGE(
        outcome.out.find("bad image file, another one took its place: " + images + name) != std::string::npos,
        outcome.out);
}

}  // namespace rlnas
