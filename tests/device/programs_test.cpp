// The programs on the device as a user starts them: --device auto, two ranks, ranks that each see one device.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/device/device.h"
#include "tests/support/rank_programs.h"

namespace rlnas::test {
namespace {

constexpr int kSteps = 3;

std::vector<std::string> training(const std::string& out, const std::string& device) {
  return {RLNAS_TRAIN_PROGRAM,
          "--data",
          "synthetic:12",
          "--image-size",
          "16",
          "--batch-size",
          "4",
          "--epochs",
          "1",
          "--log-every",
          "1",
          "--device",
          device,
          "--out",
          out};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool one_line(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n') == 1;
}

std::vector<std::string> seeing(const std::string& devices) {
  return {"CUDA_VISIBLE_DEVICES=" + devices};
}

// After each step.
std::vector<double> losses_of(const std::string& run) {
  std::vector<double> losses;
  std::istringstream lines(read_text(run + "/events.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line);
    if (event.value("event", "") == "step") losses.push_back(event.at("loss"));
  }
  return losses;
}

// What rank 0 says.
std::string train_on_two(const std::vector<std::string>& arguments,
                         const std::function<std::vector<std::string>(int)>& environment = {}) {
  const std::vector<Outcome> outcomes = RankPrograms(2, arguments, environment).wait();
  for (const Outcome& outcome : outcomes) {
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
  }
  return outcomes[0].out;
}

}  // namespace

TEST_CASE("auto takes the device and where none is visible the CPU saying why") {
  RLNAS_NEEDS_DEVICES(1);
  const TemporaryDirectory directory;
  const Outcome taken = ChildProcess(directory, training(directory / "taken", "auto")).wait();
  INFO(taken.err);
  CHECK(taken.exit_code == 0);
  CHECK(has(taken.out, "device: cuda:0: "));
  const Outcome hidden = ChildProcess(directory, training(directory / "hidden", "auto"), seeing("-1")).wait();
  INFO(hidden.err);
  CHECK(hidden.exit_code == 0);
  CHECK(has(hidden.out, "cpu, chosen by auto (no CUDA device can be used"));
  const Outcome refused =
      ChildProcess(directory, training(directory / "refused", "cuda"), seeing("-1")).wait();
  CHECK(refused.exit_code == 4);
  CHECK(one_line(refused.err));
}

TEST_CASE(
    "two ranks have the losses of two ranks on the CPU, the same bits twice, and any way to see devices") {
  RLNAS_NEEDS_DEVICES(2);
  const TemporaryDirectory directory;
  train_on_two(training(directory / "cpu", "cpu"));
  const std::string said = train_on_two(training(directory / "both", "cuda"));
  CHECK(has(said, std::string("gradients ") + RLNAS_GRADIENTS));
  const std::vector<double> expected = losses_of(directory / "cpu"), got = losses_of(directory / "both");
  REQUIRE(expected.size() == kSteps);
  REQUIRE(got.size() == kSteps);
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(std::abs(got[i] - expected[i]) <= 1e-4 * expected[i]);
  const std::string bits = read_text(directory / "both/latest.safetensors");
  train_on_two(training(directory / "again", "cuda"));
  CHECK(read_text(directory / "again/latest.safetensors") == bits);
  // As launchers do that give each rank a device of its own, which is number 0 to it.
  train_on_two(training(directory / "own", "cuda"), [](int rank) { return seeing(std::to_string(rank)); });
  CHECK(read_text(directory / "own/latest.safetensors") == bits);
}

TEST_CASE("two ranks that see the same one device are refused") {
  RLNAS_NEEDS_DEVICES(1);
  const TemporaryDirectory directory;
  for (const Outcome& outcome :
       RankPrograms(2, training(directory / "run", "cuda"), [](int) { return seeing("0"); }).wait()) {
    CHECK(outcome.exit_code == 4);
    CHECK(one_line(outcome.err));
    CHECK(has(outcome.err, "ranks 0 and 1 have one device"));
  }
}

}  // namespace rlnas::test
