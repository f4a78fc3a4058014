// --compare: runs side by side, by what they and searches of them left.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "search/report/run_comparison.h"
#include "tests/report/report_support.h"
#include "tests/search/run_search_app.h"

using namespace rlnas;
using test::contains;
using test::TemporaryDirectory;
using Json = nlohmann::json;

namespace {

// As a run leaves it: two epochs and a half of a third.
void write_events(const std::string& directory) {
  std::filesystem::create_directories(directory);
  test::write_text(directory + "/events.jsonl",
                   R"({"event":"step","step":1,"loss":2.5,"learning_rate":0.025}
{"event":"epoch","step":2,"epoch":0,"loss":2.25,"accuracy":0.1,"images_per_s":100,"angle_mean_rad":0.25}
{"event":"epoch","step":4,"epoch":1,"loss":1.75,"accuracy":0.2,"images_per_s":123.46,"angle_mean_rad":0.5}
{"event":"step","step":5,"loss":1.5,"learning_rate":0.02}
)");
}

test::SearchOutcome compare(std::vector<std::string> runs, const std::vector<std::string>& more = {}) {
  runs.insert(runs.begin(), "--compare");
  runs.insert(runs.end(), more.begin(), more.end());
  return test::run_search_app(runs);
}

}  // namespace

TEST_CASE("--compare shows the last whole epoch of each run, and what a search of it found") {
  const TemporaryDirectory directory;
  const std::string a = directory / "a", b = directory / "b";
  write_events(a);
  test::write_fake_run(a, 10, 11);
  write_events(b);
  const std::string truth = test::write_truth(directory);
  REQUIRE(test::run_search_app({"--supernet", a, "--method", "exhaustive", "--truth", truth, "--report",
                                a + "/report", "--json", directory / "a.json"})
              .code == 0);

  const auto text = compare({a, b + "/"});
  REQUIRE(text.err == "");
  CHECK(contains(text.out, "run  epochs    loss   angle  images/s"));
  CHECK(contains(text.out, "a         2  1.7500  0.5000     123.5"));
  CHECK(contains(text.out, "b         2  1.7500  0.5000     123.5"));
  const Json best = Json::parse(test::read_text(directory / "a.json")).at("best");
  CHECK(contains(text.out, "  " + best.at("arch").get<std::string>() + "\n"));
  CHECK(test::occurrences(text.out, "exhaustive") == 1);  // b was not searched

  const Json runs = Json::parse(compare({a, b}, {"--json", "-"}).out).at("runs");
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].at("run") == "a");
  CHECK(runs[0].at("epochs") == 2);
  CHECK(runs[0].at("loss") == 1.75);
  CHECK(runs[0].at("angle_mean_rad") == 0.5);
  CHECK(runs[0].at("images_per_s") == 123.46);
  CHECK(runs[0].at("space") == "nasbench201");
  CHECK(runs[0].at("data").is_null());  // there is no run.json
  const Json& search = runs[0].at("search");
  CHECK(search.at("method") == "exhaustive");
  CHECK(search.at("score") == "angle");
  CHECK(search.at("evaluations") == 15625);
  CHECK(search.at("arch") == best.at("arch"));
  CHECK(search.at("value") == best.at("angle_rad"));
  CHECK(search.at("macs") == best.at("macs"));
  CHECK(search.at("params") == best.at("params"));
  CHECK(search.at("truth").at("b_test") == best.at("truth").at("b_test").at("accuracy"));
  CHECK(runs[1].at("search").is_null());
}

TEST_CASE("--compare takes what --report left for a run, and runs of one name by their paths") {
  const TemporaryDirectory directory;
  const std::string one = directory / "one/run", two = directory / "two/run";
  write_events(one);
  test::write_fake_run(directory / "weights", 10, 12);
  REQUIRE(test::run_search_app({"--supernet", directory / "weights", "--generations", "2", "--score",
                                "angle+macs", "--report", two})
              .code == 0);
  const auto outcome = compare({one, two}, {"--json", directory / "c.json"});
  REQUIRE(outcome.err == "");
  CHECK(contains(outcome.out, one + "  "));
  CHECK(contains(outcome.out, two + "       0       -       -         -"));
  CHECK(contains(outcome.out, "angle+macs"));
  const Json runs = Json::parse(test::read_text(directory / "c.json")).at("runs");
  CHECK(runs[1].at("loss").is_null());
  CHECK(runs[1].at("search").at("truth").empty());
  const double value = runs[1].at("search").at("value");
  REQUIRE(value < 0.0);  // a sum of logarithms of shares
  CHECK(contains(outcome.out, "  " + std::to_string(value).substr(0, 5)));
}

TEST_CASE("--compare refuses what is no run in one line, and a search beside it") {
  const TemporaryDirectory directory;
  write_events(directory / "a");
  std::filesystem::create_directory(directory / "empty");
  for (const char* name : {"empty", "nowhere"}) {
    const auto outcome = compare({directory / "a", directory / name});
    CHECK(outcome.code == 3);
    CHECK(outcome.out == "");
    CHECK(contains(outcome.err, "--compare " + (directory / name) + ": holds neither events.jsonl nor"));
    CHECK(test::occurrences(outcome.err, "\n") == 1);
  }
  CHECK(compare({directory / "a"}, {"--supernet", directory / "a"}).code == 2);
  CHECK(compare({directory / "a"}, {"--truth", "nasbench201"}).code == 2);
}
