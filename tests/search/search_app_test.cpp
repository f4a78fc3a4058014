#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "search/indicator.h"
#include "tests/search/fake_run.h"
#include "tests/search/run_search_app.h"
#include "tests/support/temporary_directory.h"

using namespace rlnas;
using rlnas::test::TemporaryDirectory;

namespace {

using Outcome = test::SearchOutcome;
using test::contains;

Outcome searched(const std::vector<std::string>& arguments) {
  return test::run_search_app(arguments);
}

}  // namespace

TEST_CASE("--describe ARCH --json - prints the stable keys and nothing else") {
  for (const char* name : {"1", "#1", "enum:11791",
                           "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|"
                           "skip_connect~2|"}) {
    const Outcome outcome = searched({"--describe", name, "--json", "-"});
    CHECK(outcome.code == 0);
    CHECK(outcome.err.empty());
    const auto json = nlohmann::json::parse(outcome.out);
    CHECK(json.size() == 9);
    CHECK(json.at("space") == "nasbench201");
    CHECK(json.at("index") == 1);
    CHECK(json.at("enumeration_index") == 11791);
    CHECK(json.at("macs") == 113951370);
    CHECK(json.at("params") == 802426);
    CHECK(json.at("live_paths") == 4);
    CHECK(json.at("multiplicity") == nlohmann::json({2, 1, 1, 1, 1, 2}));
    CHECK(json.at("angle_vector_length") == 73306 + 4 * 241920 + 5040);
  }
  const auto json = nlohmann::json::parse(
      searched({"--describe", "1", "--classes", "120", "--image-size", "16", "--json", "-"}).out);
  CHECK(json.at("macs") == 28495480);
  CHECK(json.at("params") == 809576);
}

TEST_CASE("--describe prints the drawing and the counts of all three data sets") {
  const Outcome outcome = searched({"--describe", "#11472"});
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.out, "10 classes: 559386, 100: 565236, 120: 566536"));
  CHECK(contains(outcome.out, "1<-0:1 2<-0:0 2<-1:1 3<-0:1 3<-1:0 3<-2:1"));
  CHECK(contains(outcome.out,
                 "  node 1 = nor_conv_3x3(input)\n  node 2 = nor_conv_3x3(node 1)\n"
                 "  output = skip_connect(input) + skip_connect(node 2)\n"));
}

TEST_CASE("a search of a run directory writes its reports, and resumes to the same") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run", json = directory / "a.json", csv = directory / "a.csv";
  test::write_fake_run(run, 10, 11);
  const Outcome outcome = searched({"--supernet", run, "--json", json, "--csv", csv, "--top", "3"});
  REQUIRE(outcome.err == "");
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.out, "2000 of 15625 architectures evaluated"));
  const auto report = nlohmann::json::parse(test::read_text(json));
  CHECK(report.at("top").size() == 3);
  CHECK(contains(outcome.out, report.at("best").at("arch").get<std::string>()));
  CHECK(std::filesystem::exists(run + "/search_state.json"));
  CHECK(contains(test::read_text(csv),
                 "enumeration_index,arch,angle_rad,op_angle_sum,macs,params,generation,rank\n"));

  const Outcome exhaustive = searched({"--supernet", run, "--method", "exhaustive", "--json", "-"});
  CHECK(nlohmann::json::parse(exhaustive.out).at("best") == report.at("best"));
  const Outcome resumed = searched({"--supernet", run, "--resume", "--json", "-", "--top", "3"});
  CHECK(resumed.out == test::read_text(json));
  const Outcome flags =
      searched({"--init", run + "/init.safetensors", "--trained", run + "/latest.safetensors", "--json", "-",
                "--top", "3", "--threads", "1"});
  CHECK(flags.out == test::read_text(json));
  const Outcome published =
      searched({"--supernet", run, "--compat", "megvii", "--out", directory / "new/place"});
  CHECK(published.code == 0);
  CHECK(std::filesystem::exists(directory / "new/place/search_state.json"));
}

TEST_CASE("--score takes every indicator that --help lists, and reports tell it") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run", csv = directory / "a.csv";
  test::write_fake_run(run, 10, 13);
  const std::string help = searched({"--help"}).out;
  for (const IndicatorInfo& indicator : indicator_list()) {
    CAPTURE(indicator.name);
    CHECK(contains(help, indicator.name));
    const Outcome outcome = searched({"--supernet",
                                      run,
                                      "--method",
                                      "random",
                                      "--population",
                                      "3",
                                      "--generations",
                                      "1",
                                      "--score",
                                      indicator.name,
                                      "--top",
                                      "2",
                                      "--csv",
                                      csv,
                                      "--probe-batch",
                                      "4",
                                      "--image-size",
                                      "8",
                                      "--labels",
                                      "true",
                                      "--data",
                                      "synthetic:8",
                                      "--eval",
                                      "synthetic:4",
                                      "--eval-batch",
                                      "4",
                                      "--recalibration-batches",
                                      "1"});
    if (indicator.name == std::string("bn-scale")) {  // nothing of this space: supernet_probe_test.cpp
      CHECK(contains(outcome.err, "have no scale"));
      continue;
    }
    REQUIRE(outcome.err == "");
    CHECK(
        contains(outcome.out, "search: random of nasbench201, score " + std::string(indicator.name) + ", "));
    CHECK(contains(outcome.out, indicator.heading));
    const std::string header = test::read_text(csv).substr(0, test::read_text(csv).find('\n'));
    CHECK(contains(header, "," + std::string(indicator.key) + ","));
  }
}

TEST_CASE("limits are kept by every method") {
  const TemporaryDirectory directory;
  test::write_fake_run(directory / "run", 100, 12);
  for (const char* method : {"evolution", "exhaustive", "random"}) {
    const Outcome outcome = searched({"--supernet", directory / "run", "--method", method, "--max-mflops",
                                      "50", "--max-params", "300000", "--json", "-"});
    CHECK(outcome.code == 0);
    const auto best = nlohmann::json::parse(outcome.out).at("best");
    CHECK(best.at("macs").get<std::int64_t>() <= 50'000'000);
    CHECK(best.at("params").get<std::int64_t>() <= 300'000);
  }
}

TEST_CASE("a limit given as printed admits the architecture it was printed for") {
  const TemporaryDirectory directory;
  test::write_fake_run(directory / "run", 10, 12);
  for (const char* mflops : {"7.78305", "15.64737", "43.17249", "78.56193"}) {
    const Outcome outcome = searched({"--supernet", directory / "run", "--method", "exhaustive",
                                      "--max-mflops", mflops, "--csv", directory / "a.csv"});
    REQUIRE(outcome.code == 0);
    std::string digits = mflops;
    digits.erase(digits.find('.'), 1);
    CHECK(contains(test::read_text(directory / "a.csv"), "," + digits + "0,"));
  }
}

TEST_CASE("bad input: one line, the right exit code, no half-written file") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run";
  test::write_fake_run(run, 10, 11);
  const auto error_of = [&](int code, const std::vector<std::string>& arguments) {
    const Outcome outcome = searched(arguments);
    CHECK(outcome.code == code);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.find('\n') == outcome.err.size() - 1);
    CHECK(outcome.err.rfind("rlnas_search: ", 0) == 0);
    return outcome.err;
  };
  CHECK(contains(error_of(2, {}), "--supernet DIR"));
  CHECK(contains(error_of(3, {"--supernet", directory / "absent"}), "absent: no such directory"));
  CHECK(contains(error_of(2, {"--supernet", run, "--methd", "random"}), "did you mean --method?"));
  CHECK(
      contains(error_of(2, {"--supernet", run, "--method", "genetic"}), "--method: 'genetic' is not one of"));
  CHECK(
      contains(error_of(2, {"--supernet", run, "--score", "loss"}), "--score: 'loss' is not one of angle, "));
  CHECK(contains(error_of(2, {"--supernet", run, "--score", "az-nas+synflo"}), "did you mean 'synflow'?"));
  CHECK(contains(error_of(2, {"--supernet", run, "--method", "exhaustiv"}), "did you mean 'exhaustive'?"));
  CHECK(contains(error_of(2, {"--supernet", run, "--method", "exact", "--score", "layers"}),
                 "--score layers: the exact search maximises the angle"));
  CHECK(contains(error_of(2, {"--supernet", run, "--compat", "other"}), "--compat: 'other'"));
  CHECK(contains(error_of(2, {"--supernet", run, "--max-mflops", "1"}), "the smallest architecture has"));
  CHECK(contains(error_of(2, {"--supernet", run, "--max-mflops", "nan"}), "--max-mflops"));
  CHECK(contains(error_of(2, {"--supernet", run, "--classes", "100"}), "the SuperNet has 10"));
  CHECK(contains(error_of(2, {"--supernet", run, "--image-size", "33"}), "--image-size 33"));
  CHECK(contains(error_of(2, {"--supernet", run, "--top", "0"}), "--top 0"));
  CHECK(contains(error_of(2, {"--supernet", run, "--population", "0"}), "--population 0"));
  CHECK(contains(error_of(2, {"--supernet", run, "--describe", "1"}), "--describe needs no SuperNet"));
  CHECK(contains(error_of(2, {"--describe", "1", "--csv", "x"}), "--describe does not search"));
  CHECK(contains(error_of(2, {"--describe", "20000"}), "benchmark index 20000"));
  CHECK(contains(error_of(2, {"--supernet", run, "--csv", "x", "--json", "x"}), "the same file"));
  CHECK(contains(error_of(2, {"--supernet", run, "--csv", "-"}), "only --json"));
  CHECK(
      contains(error_of(2, {"--supernet", run, "--method", "exhaustive", "--resume"}), "nothing to resume"));
  CHECK(contains(error_of(3, {"--supernet", run, "--resume"}), "search_state.json"));
  CHECK(contains(error_of(3, {"--supernet", run, "--truth", directory / "absent.csv"}), "absent.csv"));
  CHECK(!std::filesystem::exists(run + "/search_state.json"));  // all of these ended before the search
  CHECK(contains(error_of(3, {"--supernet", run, "--json", directory / "no/such/place.json"}), "--json"));
  CHECK(contains(error_of(3, {"--supernet", run, "--csv", directory.path()}), "not a regular file"));

  const std::string latest = run + "/latest.safetensors";
  const std::string bytes = test::read_text(latest);
  test::write_text(latest, bytes.substr(0, bytes.size() / 2));
  CHECK(contains(error_of(3, {"--supernet", run}), latest));
  std::string flipped = bytes;
  flipped[bytes.size() / 2] = char(flipped[bytes.size() / 2] ^ 0x10);
  test::write_text(latest, flipped);
  CHECK(contains(error_of(3, {"--supernet", run}), latest));
  std::filesystem::remove(latest);
  CHECK(contains(error_of(3, {"--supernet", run}), latest));
}
