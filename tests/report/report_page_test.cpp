// What a page says of searches of every kind, without a browser.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "search/report/agreement_map.h"
#include "search/report/report_page.h"
#include "search/search_report.h"
#include "tests/report/report_support.h"
#include "tests/support/errors.h"

using namespace rlnas;
using test::contains;
using test::occurrences;
using test::TemporaryDirectory;

namespace {

constexpr std::size_t kMostBytes = 3'000'000;

std::string html_of(const SearchReport& report, const std::vector<ReportedRun>& others = {}) {
  return page_html(search_page(report, {"this search", {}, {}}, others));
}

// The places that data-rows name are rows of the table, in every figure.
void check_rows(const std::string& html) {
  const std::size_t at = html.find("id=\"data\">") + 10;
  const auto data = nlohmann::json::parse(html.substr(at, html.find("</script>", at) - at));
  const int rows = int(data.at("rows").size());
  for (const auto& row : data.at("rows")) CHECK(row.at(1).size() == data.at("columns").size());
  for (std::size_t i = html.find("data-rows=\""); i != std::string::npos;
       i = html.find("data-rows=\"", i + 1)) {
    std::istringstream numbers(html.substr(i + 11, html.find('"', i + 11) - i - 11));
    int points = 0;
    for (int row = 0; numbers >> row; ++points)
      if (row < 0 || row >= rows) FAIL("row ", row, " of ", rows);
    const std::size_t d = html.find(" d=\"", i);
    const std::string path = html.substr(d, html.find('"', d + 4) - d);
    CHECK(occurrences(path, ",") == points);  // a pair "x,y" for each of them
  }
}

void check_page(const std::string& html) {
  CHECK(test::unbalanced(html) == "");
  CHECK(html.size() < kMostBytes);
  CHECK(!contains(html, "nan"));
  CHECK(occurrences(html, "<figure") == occurrences(html, "<figcaption>n = "));
  for (const char* outside : {"http://www.w3.org/1999", "https:", "src=", "@import", "url("})
    CHECK(!contains(html, outside));
  std::set<std::string> ids;
  for (std::size_t i = html.find(" id=\""); i != std::string::npos; i = html.find(" id=\"", i + 1))
    CHECK(ids.insert(html.substr(i, html.find('"', i + 5) - i)).second);
  check_rows(html);
}

}  // namespace

TEST_CASE("evolution: its page has every figure, whole and alone") {
  SearchConfig config;
  config.evolution.generations = 4;
  const SearchReport report = test::random_search(config);
  const std::string html = html_of(report);
  check_page(html);
  for (const char* id :
       {"evolution", "score-cost", "operations", "agreement", "score-op-angle-sum", "score-params"})
    CHECK(contains(html, std::string("<figure id=\"") + id + '"'));
  CHECK(!contains(html, "truth-"));
  CHECK(contains(html, "n = 400 architectures in 4 generations of 100."));
  CHECK(contains(html, "class=\"copy\""));
  CHECK(html == html_of(report));
}

TEST_CASE("all 15,625 cells with true accuracies: statistics are of all, points of some, bytes few") {
  const TemporaryDirectory directory;
  SearchConfig config;
  config.method = SearchMethod::exhaustive;
  config.truth_path = test::write_truth(directory);
  const SearchReport report = test::random_search(config);
  CHECK(report.truth_columns == std::vector<std::string>{"a_valid", "a_test", "b_test"});
  const std::string html = html_of(report);
  check_page(html);
  CHECK(html.size() < 1'500'000);
  CHECK(contains(html, "n = 15,625 architectures, of which 2,000 are drawn."));
  CHECK(contains(html, "score-distribution"));
  CHECK(contains(html, "truth-a_test"));
  CHECK(contains(html, "truth-standing"));
  const auto& best = report.correlations[1].best;
  CHECK(contains(html, "rank " + std::to_string(best.rank) + " of 15,625") == (best.rank < 1000));
  // The table of the best: the mean over all is that of the truth table.
  double mean = 0.0;
  for (const FoundArchitecture& found : report.evaluated) mean += found.accuracies[1] / 15625;
  char text[32];
  std::snprintf(text, sizeof text, "<td>%.2f</td>", mean);
  CHECK(contains(html.substr(html.find("<th>all 15,625</th>")), text));
}

TEST_CASE("one architecture only, found by the exact search") {
  const TemporaryDirectory directory;
  SearchConfig config;
  config.method = SearchMethod::exact;
  config.truth_path = test::write_truth(directory);
  const SearchReport report = test::random_search(config);
  REQUIRE(report.evaluated.size() == 1);
  const std::string html = html_of(report);
  check_page(html);
  CHECK(contains(html, "to the optimum"));
  CHECK(contains(html, "truth-top"));
}

TEST_CASE("scores that are not finite, alike, or not known") {
  SearchConfig config;
  config.evolution.generations = 2;
  SearchReport report = test::random_search(config);
  for (std::size_t i = 0; i < report.evaluated.size(); ++i) {
    FoundArchitecture& found = report.evaluated[i];
    found.values[0] = i % 3 == 0 ? -std::numeric_limits<double>::infinity() : found.values[0];
    found.values[1] = std::numeric_limits<double>::quiet_NaN();
    found.values[3] = 5e5;
  }
  const std::string html = html_of(report);
  CHECK(test::unbalanced(html) == "");
  CHECK(contains(html, "no finite values"));
  CHECK(contains(html, "without two finite values left out"));
  check_rows(html);
  for (FoundArchitecture& found : report.evaluated) found.generation = 2;  // the first is empty
  check_rows(html_of(report));
}

TEST_CASE("DARTS and MobileNet: their cells and blocks, a sum of ranks, limits") {
  for (const char* space : {"darts-cifar", "darts-imagenet", "mobilenet"}) {
    SearchConfig config;
    config.space.name = space;
    config.space.constraint.max_macs = 550'000'000;
    config.score = parse_score("angle+params");
    config.evolution = search_defaults(space).evolution;
    const std::string html = html_of(test::random_search(config));
    check_page(html);
    CHECK(contains(html, "550 MFLOPs"));
    CHECK(contains(html, "angle+params (sum of ln rank shares)"));
    CHECK(contains(html, std::string(space) == "mobilenet" ? "<figure id=\"operations\""
                                                           : "<figure id=\"operations-reduce\""));
  }
}

TEST_CASE("what --report wrote of a search reads back as it was") {
  const TemporaryDirectory directory;
  for (const char* score : {"angle", "angle+op-angle-sum"}) {
    SearchConfig config;
    config.score = parse_score(score);
    config.evolution.generations = 3;
    config.truth_path = test::write_truth(directory);
    const SearchReport report = test::random_search(config);
    test::write_text(directory / kSearchJson, report_json(report));
    test::write_text(directory / kArchitecturesCsv, report_csv(report));
    const SearchRecord made = record_of(report);
    const auto read = read_search_record(directory.path());
    REQUIRE(read.has_value());
    CHECK(read->space == made.space);
    CHECK(read->method == "evolution");
    CHECK(read->score == score);
    CHECK(read->texts == made.texts);
    CHECK(read->rank == made.rank);
    CHECK(read->generation == made.generation);
    CHECK(read->score_column == made.score_column);
    REQUIRE(read->columns.size() == made.columns.size());
    for (std::size_t c = 0; c < made.columns.size(); ++c) {
      CHECK(read->columns[c].label == made.columns[c].label);
      CHECK(read->columns[c].values == made.columns[c].values);
    }
    REQUIRE(read->accuracies.size() == 3);
    CHECK(read->accuracies[2].values == made.accuracies[2].values);
  }
}

TEST_CASE("a search that cannot be read back is named, with its line") {
  const TemporaryDirectory directory;
  CHECK(!read_search_record(directory.path()).has_value());
  const auto error = [&](const std::string& json, const std::string& csv) {
    test::write_text(directory / kSearchJson, json);
    test::write_text(directory / kArchitecturesCsv, csv);
    return test::error_of(ErrorCode::data, [&] { read_search_record(directory.path()); });
  };
  const std::string json = R"({"space":"nasbench201","method":"random","score":"angle"})";
  CHECK(contains(error("{", ""), "search.json: no space"));
  CHECK(contains(error(R"({"space":"no such","method":"random","score":"angle"})", ""), "search.json"));
  CHECK(contains(error(json, ""), "architectures.csv: is empty"));
  CHECK(contains(error(json, "arch,angle_rad\n"), "no columns arch and rank"));
  CHECK(contains(error(json, "arch,macs,generation,rank\n"), "no column of the score angle"));
  CHECK(contains(error(json, "arch,angle_rad,generation,rank\na,0.5,1,1\nb,zero,1,2\n"), "line 3: 'zero'"));
  CHECK(contains(error(json, "arch,angle_rad,generation,rank\na,0.5,1\n"), "line 2: 3 fields"));
}

TEST_CASE("several runs: their names are text, their curves are there, another score is not compared") {
  SearchConfig config;
  config.evolution.generations = 3;
  ReportedRun other{"<b>&run", {}, record_of(test::random_search(config, 2))};
  config.score = parse_score("op-angle-sum");
  ReportedRun another{"other score", {}, record_of(test::random_search(config, 3))};
  ReportedRun trained{"trained only", {}, {}};
  trained.training = parse_training_events("x", R"({"event":"epoch","step":5,"epoch":0,"loss":1.0}
)");
  config.score = parse_score("angle");
  const std::string html = html_of(test::random_search(config), {other, another, trained});
  check_page(html);
  CHECK(!contains(html, "<b>"));
  CHECK(contains(html, "&lt;b&gt;&amp;run: best so far"));
  CHECK(contains(html, "&lt;b&gt;&amp;run: Pareto front"));
  CHECK(!contains(html, "other score: best so far"));
  CHECK(contains(html, "<figure id=\"runs-agreement\""));
  CHECK(!contains(html, "other score and"));
  CHECK(contains(html, "not searched"));
  CHECK(contains(html, "n = 4 runs"));
}

TEST_CASE("a training by itself: of a SuperNet, and of one architecture with its drawing") {
  ReportedRun run{"a",
                  parse_training_events("x", R"({"event":"epoch","step":5,"epoch":0,"loss":1.0,"accuracy":0.5}
)"),
                  {}};
  run.training.settings = {{"data", "cifar10:<dir>"}, {"architecture", "#1"}};
  const std::string supernet = page_html(training_page("nasbench201", "", run, {}));
  check_page(supernet);
  CHECK(!contains(supernet, "class=\"drawing"));
  CHECK(contains(supernet, "cifar10:&lt;dir&gt;"));
  const std::string one = page_html(training_page("nasbench201", "#1", run, {}));
  check_page(one);
  CHECK(contains(one, "class=\"drawing"));
  check_page(page_html(training_page("mobilenet", "", {"nothing yet", {}, {}}, {})));
}

TEST_CASE("scores of several searches lie side by side by architecture") {
  SearchRecord a, b;
  a.label = "a";
  a.texts = {"x", "y"};
  a.columns = {{"angle", "angle (rad)", {1, 2}}};
  b = a;
  b.label = "b";
  b.texts = {"z", "x"};
  const auto columns = scores_side_by_side({&a, &b});
  REQUIRE(columns.size() == 2);
  CHECK(columns[0].name == "a");
  CHECK(columns[0].values[0] == 1);
  CHECK(columns[1].values[0] == 2);
  CHECK(std::isnan(columns[1].values[1]));
  CHECK(std::isnan(columns[0].values[2]));
  CHECK(comparable(a, b));
  b.space = "other";
  CHECK(!comparable(a, b));
}
