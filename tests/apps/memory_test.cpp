// The memory of rlnas_train, as the system sees it, against what the dry run said.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

namespace rlnas {
namespace {

using test::read_text;
using test::TemporaryDirectory;

constexpr double kMiB = 1 << 20;

// The most memory that a run of rlnas_train ever had, in MiB; it must end well.
double peak_mib(std::vector<std::string> arguments) {
  const TemporaryDirectory directory;
  arguments.insert(arguments.begin(), RLNAS_TRAIN);
  const test::Outcome outcome = test::ChildProcess(directory, std::move(arguments)).wait();
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  return outcome.peak_mib;
}

}  // namespace

// CUDA's libraries alone take 150 MiB, where they are linked; that is the loader's doing and measured.
TEST_CASE("a run is never larger in memory than the dry run said, beside 64 MiB for the program itself") {
  const TemporaryDirectory directory;
  const std::string out = directory / "run";
  const double loaded = peak_mib({"--version"});
  // One architecture, so that every step is the largest; three of 340 MiB.
  const double resident = peak_mib(
      {"--data", "synthetic:64", "--arch",
       "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
       "--batch-size", "64", "--steps", "3", "--save-every", "0.00001", "--device", "cpu", "--threads", "2",
       "--out", out});
  const auto run = nlohmann::json::parse(read_text(out + "/run.json"));
  constexpr double kProgram = 64.0, kImages = 64 * 32 * 32 * 3 / kMiB;
  const double planned = run["planned_memory_bytes"].get<double>() / kMiB + kImages;
  INFO(resident << " MiB resident, " << planned << " planned, " << loaded << " of a program just loaded");
  CHECK(planned > 300.0);
  CHECK(resident - loaded > 0.85 * planned);  // the plan is used
  CHECK(resident < planned + loaded + kProgram);
}

}  // namespace rlnas
