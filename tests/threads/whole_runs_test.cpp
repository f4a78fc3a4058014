// The programs as a whole, called in this process: trainings from files that a signal stops and that go on
// profiled, and searches of what they leave, all on two threads. Where ThreadSanitizer sees a race this
// program's exit code says so, at its end. It takes minutes, so CI leaves it out: ./run_tests.sh tsan
// whole_runs_test
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <thread>

#include "apps/train_app.h"
#include "engine/safetensors.h"
#include "tests/data/image_writer.h"
#include "tests/data/set_writer.h"
#include "tests/search/run_search_app.h"

namespace rlnas::test {
namespace {

// The words of a command; no path of a test has spaces.
std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

void train_by(const std::string& arguments, int exit_code = 0) {
  const std::vector<std::string> all = words(arguments);
  std::vector<const char*> argv{"rlnas_train"};
  for (const std::string& argument : all) argv.push_back(argument.c_str());
  std::ostringstream out, err;
  const int code = train_main(int(argv.size()), argv.data(), out, err);
  CAPTURE(err.str());
  REQUIRE(code == exit_code);
}

std::string found_by(const std::string& arguments) {
  const SearchOutcome outcome = run_search_app(words(arguments + " --device cpu --threads 2"));
  CAPTURE(outcome.err);
  REQUIRE(outcome.code == 0);
  return outcome.out;
}

// SIGTERM to this process when a file has so many lines: the run that writes it has its handler by then.
std::jthread signal_at(const std::string& file, long lines) {
  return std::jthread([file, lines](const std::stop_token& given_up) {
    while (!given_up.stop_requested()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      const std::string text = std::filesystem::exists(file) ? read_text(file) : "";
      if (std::count(text.begin(), text.end(), '\n') < lines) continue;
      kill(getpid(), SIGTERM);
      return;
    }
  });
}

std::string training(const std::string& space, const std::string& data) {
  return "--space " + space + " --data " + data +
         " --image-size 16 --batch-size 4 --epochs 1000 --device cpu --threads 2 --data-threads 2 --quiet"
         " --log-every 1 --save-every 0.0001";
}

std::int64_t saved_step(const std::string& run) {
  return std::stoll(read_safetensors(run + "/resume.safetensors").metadata.at("step"));
}

// Stopped by a signal and gone on with, profiled: the bits of a run straight through on one thread.
void check_stops_and_goes_on(const std::string& command, const TempDir& runs) {
  const std::string out = runs / "stopped", straight = runs / "straight";
  {
    const std::jthread stop = signal_at(out + "/events.jsonl", 3);
    train_by(command + " --out " + out, 128 + SIGTERM);
  }
  const std::string end = " --steps " + std::to_string(saved_step(out) + 2);
  train_by(command + end + " --resume auto --profile true --out " + out);
  CHECK(std::filesystem::exists(out + "/trace.json"));
  train_by(command + end + " --threads 1 --out " + straight);
  CHECK((read_text(out + "/latest.safetensors") == read_text(straight + "/latest.safetensors")));
}

std::string write_folder(const TempDir& dir, int count) {
  for (int i = 0; i < count; ++i) {
    const auto paint = [&](int y, int x) { return std::uint32_t(i * 4000 + y * 700 + x * 11); };
    dir.write(std::string(1, char('a' + i % 3)) + "/" + std::to_string(i) + ".png",
              make_png(40, 36, PngColor::rgb, paint));
  }
  return "folder:" + dir.path();
}

}  // namespace

TEST_CASE("a SuperNet of NAS-Bench-201 on files of CIFAR-10") {
  const TempDir files, runs;
  for (int b = 0; b < 5; ++b)
    files.write("data_batch_" + std::to_string(b + 1) + ".bin", cifar_records(4 * b, 4, 1));
  check_stops_and_goes_on(training("nasbench201", "cifar10:" + files.path()) + " --split all", runs);
}

TEST_CASE("a SuperNet of a space's file on IDX files") {
  const TempDir files, runs;
  files.write(kIdxImages, idx_images(20, 28, 28));
  files.write(kIdxLabels, idx_labels(20));
  check_stops_and_goes_on(training(RLNAS_TINY_SPACE, "idx:" + files.path()), runs);
}

TEST_CASE("PC-DARTS, whose alphas move, on a folder of images") {
  const TempDir files, runs;
  check_stops_and_goes_on(training("darts-cifar", write_folder(files, 16)) +
                              " --crop resized --method pc-darts --cells 3 --channels 4 --begin 0",
                          runs);
}

TEST_CASE("searches of a SuperNet: evolution, exact, random by passes of it, with reports") {
  const TempDir files;
  const std::string run = files / "run";
  train_by(training("nasbench201", "synthetic:40") + " --steps 3 --labels true --images 24 --out " + run);
  const std::string few = "--supernet " + run +
                          " --population 8 --parents 4 --mutants 4 --crossovers 4 --generations 2 --report " +
                          files.path();
  CHECK(contains(found_by(few + "/evolved --gap"), "exact: "));
  found_by(few + "/exact --method exact");
  CHECK(contains(found_by(few + "/measured --method random --score naswot+accuracy --probe-batch 4 --profile"
                                " --eval-batch 4 --eval-images 8 --recalibration-batches 1"),
                 "naswot"));
  for (const char* report : {"/evolved", "/exact", "/measured"})
    CHECK(std::filesystem::exists(files.path() + report + "/report.html"));
}

}  // namespace rlnas::test
