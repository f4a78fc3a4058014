// --report as the programs take it: which files, and which errors.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/train_app.h"
#include "search/report/search_record.h"
#include "tests/report/report_support.h"
#include "tests/search/run_search_app.h"

using namespace rlnas;
using test::contains;
using test::read_text;
using test::TemporaryDirectory;

namespace {

test::SearchOutcome searched(std::vector<std::string> arguments, const std::vector<std::string>& more = {}) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return test::run_search_app(arguments);
}

test::SearchOutcome train(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv{"rlnas_train"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  std::ostringstream out, err;
  const int code = train_main(int(argv.size()), argv.data(), out, err);
  return {code, out.str(), err.str()};
}

std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

}  // namespace

TEST_CASE("rlnas_search --report writes the page, and the data as --json and --csv give it") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run";
  test::write_fake_run(run, 10, 11);
  const std::vector<std::string> plain{"--supernet", run, "--generations", "3"};
  const auto outcome = searched(plain, {"--report", directory / "new/report", "--json", directory / "a.json",
                                        "--csv", directory / "a.csv"});
  REQUIRE(outcome.err == "");
  CHECK(outcome.out == searched(plain).out);
  CHECK(files_in(directory / "new/report") ==
        std::vector<std::string>{"architectures.csv", "report.html", "search.json"});
  CHECK(read_text(directory / "new/report/search.json") == read_text(directory / "a.json"));
  CHECK(read_text(directory / "new/report/architectures.csv") == read_text(directory / "a.csv"));
  const std::string html = read_text(directory / "new/report/report.html");
  CHECK(test::unbalanced(html) == "");
  const auto json = nlohmann::json::parse(read_text(directory / "a.json"));
  CHECK(contains(html, json.at("best").at("arch").get<std::string>()));
  // What it left is a run to compare with, and scores that need not be measured again.
  const auto compared =
      searched(plain, {"--report", directory / "b", "--report-runs", directory / "new/report", run});
  CHECK(compared.err == "");
  CHECK(contains(read_text(directory / "b/report.html"), "report: best so far"));
  CHECK(contains(read_text(directory / "b/report.html"), "n = 2 runs"));  // not itself
  CHECK(searched(plain, {"--scores", directory / "new/report/architectures.csv"}).code == 0);
}

TEST_CASE("what --report cannot do it says before the search") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run";
  test::write_fake_run(run, 10, 11);
  const auto error = [&](int code, const std::vector<std::string>& more) {
    const auto outcome = searched({"--supernet", run, "--generations", "1"}, more);
    CHECK(outcome.code == code);
    CHECK(outcome.out == "");
    return outcome.err;
  };
  test::write_text(directory / "file", "");
  std::filesystem::create_directory(directory / "empty");
  CHECK(contains(error(3, {"--report", directory / "file"}), "--report " + (directory / "file")));
  CHECK(contains(error(3, {"--report", directory / "r", "--report-runs", directory / "empty"}),
                 "holds neither events.jsonl nor"));
  CHECK(contains(error(2, {"--report-runs", run}), "--report DIR"));
  CHECK(!std::filesystem::exists(run + "/search_state.json"));
  CHECK(contains(searched({"--describe", "#1", "--report", directory / "r"}).err, "--report"));
}

TEST_CASE("runs to compare with are kept by a dumped configuration, and none is no run") {
  const TemporaryDirectory directory;
  const std::string run = directory / "run";
  test::write_fake_run(run, 10, 11);
  CHECK(!contains(searched({"--dump-config"}).out, "[]"));
  CHECK(!contains(train(std::vector<std::string>{"--dump-config"}).out, "[]"));
  const std::vector<std::string> plain{"--supernet", run, "--generations", "1", "--report", directory / "r"};
  for (const std::vector<std::string>& runs :
       {std::vector<std::string>{}, {"--report-runs", run}, {"--report-runs", run, directory / "r"}}) {
    std::vector<std::string> dumping = runs;
    dumping.push_back("--dump-config");
    test::write_text(directory / "search.toml", searched(plain, dumping).out);
    CHECK(searched({"--config", directory / "search.toml"}).err == "");
  }
  CHECK(contains(read_text(directory / "search.toml"), "report-runs = [" + run + ", "));
}

TEST_CASE("rlnas_train --report shows the run it made, and the search after it shows it again") {
  const TemporaryDirectory directory;
  const auto arguments = [&](const std::string& out, const std::string& report) {
    return std::vector<std::string>{
        "--data",   "synthetic:32", "--image-size", "8", "--batch-size", "16", "--log-every", "1",
        "--device", "cpu",          "--epochs",     "2", "--threads",    "1",  "--out",       out,
        "--report", report};
  };
  const std::string a = directory / "a", b = directory / "b";
  const auto first = train(arguments(a, a));
  REQUIRE(first.err == "");
  CHECK(std::filesystem::exists(a + "/training.csv"));
  const std::string html = read_text(a + "/report.html");
  CHECK(test::unbalanced(html) == "");
  for (const char* id : {"training-loss", "learning-rate", "training-angle", "training-accuracy"})
    CHECK(contains(html, std::string("<figure id=\"") + id + '"'));
  CHECK(contains(html, "n = 4 logged steps and 2 epochs."));

  std::vector<std::string> second = arguments(b, directory / "report");
  second.insert(second.end(), {"--report-runs", a, "--seed", "1"});
  REQUIRE(train(second).err == "");
  const std::string both = read_text(directory / "report/report.html");
  CHECK(contains(both, "2 epochs (b); 4 logged steps and 2 epochs (a)"));
  CHECK(!std::filesystem::exists(directory / "report/search.json"));

  const auto found = searched({"--supernet", a, "--generations", "2", "--report", a});
  REQUIRE(found.err == "");
  const std::string searched = read_text(a + "/report.html");
  CHECK(contains(searched, "<figure id=\"training-angle\""));
  CHECK(contains(searched, "<figure id=\"evolution\""));
  CHECK(contains(searched, "synthetic:32"));
}
