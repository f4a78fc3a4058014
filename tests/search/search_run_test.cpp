#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "kernels/check.h"
#include "search/nasbench201/counts.h"
#include "search/nasbench201/space.h"
#include "search/nasbench201/supernet.h"
#include "search/search_report.h"
#include "search/search_run.h"
#include "tests/search/random_weights.h"
#include "tests/support/temporary_directory.h"

using namespace rlnas;
using rlnas::test::TemporaryDirectory;

namespace {

std::vector<AngleSums> sums_of(std::uint64_t seed) {
  const SegmentTable segments = nasbench201::supernet_segments(10);
  return test::plain_sums(segments, test::random_weights(segments, seed));
}

nasbench201::AngleTable table_of(std::uint64_t seed) {
  return nasbench201::make_angle_table(nasbench201::supernet_segments(10), sums_of(seed));
}

nasbench201::Cell cell_of(const FoundArchitecture& found) {
  return nasbench201::cell_of_genes(found.genes);
}

// A table whose column `cost` is the parameter count, and `score` the given cell score.
std::string write_truth(const TemporaryDirectory& directory, const nasbench201::AngleTable& table) {
  std::ostringstream text;
  text.precision(17);
  text << "index,arch,cost,score\n";
  for (int i = 0; i < nasbench201::kSpaceSize; ++i) {
    const nasbench201::Cell cell = nasbench201::cell_of_benchmark(i);
    text << i << ',' << nasbench201::to_string(cell) << ',' << nasbench201::params(cell, 10) << ','
         << nasbench201::op_angle_sum(table, cell) << '\n';
  }
  test::write_text(directory / "truth.csv", text.str());
  return directory / "truth.csv";
}

}  // namespace

TEST_CASE("a report correlates both scores and the costs with each column, and places the found cell") {
  const TemporaryDirectory directory;
  const nasbench201::AngleTable table = table_of(1);
  const std::vector<AngleSums> sums = sums_of(1);
  SearchConfig config;
  config.method = SearchMethod::exhaustive;
  config.space.score = ScoreKind::op_angle_sum;
  config.truth_path = write_truth(directory, table);
  const SearchReport report = run_search(config, sums);
  CHECK(report.evaluated.size() == 15625);
  REQUIRE(report.correlations.size() == 2);
  CHECK(report.correlations[0].column == "cost");
  CHECK(report.correlations[0].params.kendall_tau_b == doctest::Approx(1));
  CHECK(report.correlations[0].params.kendall_tau_rank == 1);
  CHECK(report.correlations[1].op_angle_sum.spearman == doctest::Approx(1));
  CHECK(report.correlations[1].angle.spearman < 0.999);
  CHECK(report.correlations[1].best.rank == 1);
  CHECK(report.correlations[1].best.percentile == 100.0);

  const auto json = nlohmann::json::parse(report_json(report));
  CHECK(json.at("best").at("arch") == report.best().text);
  CHECK(json.at("best").at("index") == nasbench201::benchmark_index(cell_of(report.best())));
  CHECK(json.at("best").at("angle_rad") == report.best().angle_rad);
  CHECK(json.at("best").at("macs") == report.best().macs);
  CHECK(json.at("best").at("params") == report.best().params);
  const auto& score = json.at("correlation").at("score");
  CHECK(score.at("spearman").get<double>() == doctest::Approx(1));
  CHECK(score.at("kendall_tau_b") == score.at("op_angle_sum").at("kendall_tau_b"));
  CHECK(score.at("kendall_tau_rank") != score.at("baseline_macs").at("kendall_tau_rank"));
  CHECK(json.at("correlation").at("cost").at("baseline_params").at("kendall_tau_rank") == 1.0);

  std::ostringstream text;
  print_report(text, report);
  CHECK(text.str().find(report.best().text) != std::string::npos);
  CHECK(text.str().find("op-angle-sum") != std::string::npos);
}

TEST_CASE("the CSV lists every evaluated architecture with an angle that reads back exactly") {
  const nasbench201::AngleTable table = table_of(2);
  const std::vector<AngleSums> sums = sums_of(2);
  const SearchReport report = run_search({}, sums);
  std::istringstream lines(report_csv(report));
  std::string line;
  std::getline(lines, line);
  CHECK(line == "enumeration_index,arch,angle_rad,macs,params");
  int count = 0;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string index, arch, angle, macs, params;
    std::getline(fields, index, ',');
    std::getline(fields, arch, ',');
    std::getline(fields, angle, ',');
    std::getline(fields, macs, ',');
    std::getline(fields, params, ',');
    const nasbench201::Cell cell = nasbench201::cell_at(std::stoi(index));
    REQUIRE(arch == nasbench201::to_string(cell));
    REQUIRE(std::stod(angle) == nasbench201::angle_rad(table, cell));
    REQUIRE(std::stoll(macs) == nasbench201::macs(cell, 10, 32));
    REQUIRE(std::stoll(params) == nasbench201::params(cell, 10));
    ++count;
  }
  CHECK(count == 2000);
}

TEST_CASE("exhaustive search returns the best of the whole space, random search no better") {
  const nasbench201::AngleTable table = table_of(3);
  const std::vector<AngleSums> sums = sums_of(3);
  double best = 0.0;
  for (int i = 0; i < nasbench201::kSpaceSize; ++i) {
    best = std::max(best, nasbench201::angle_rad(table, nasbench201::cell_at(i)));
  }
  SearchConfig config;
  config.method = SearchMethod::exhaustive;
  CHECK(run_search(config, sums).best().angle_rad == best);
  config.method = SearchMethod::random;
  const SearchReport random = run_search(config, sums);
  CHECK(random.best().angle_rad <= best);
  CHECK(random.evaluated.size() == 2000);
}

TEST_CASE("a search resumes bit-equal from its saved state") {
  const TemporaryDirectory directory;
  const std::vector<AngleSums> sums = sums_of(4);
  for (const SearchMethod method : {SearchMethod::evolution, SearchMethod::random}) {
    for (const Compat compat : {Compat::none, Compat::megvii}) {
      SearchConfig config;
      config.method = method;
      config.evolution.compat = compat;
      const std::string whole = report_json(run_search(config, sums));
      config.state_path = directory / "state.json";
      config.evolution.generations = 8;
      run_search(config, sums);
      config.evolution.generations = 20;
      config.start = SearchStart::resume;
      CHECK(report_json(run_search(config, sums)) == whole);
      CHECK(report_json(run_search(config, sums)) == whole);  // and once more from the finished state
      config.evolution.generations = 3;
      CHECK_THROWS_AS(run_search(config, sums), Error);
    }
  }
}

TEST_CASE("a state of another search, or a damaged one, is refused") {
  const TemporaryDirectory directory;
  SearchConfig config;
  config.state_path = directory / "state.json";
  run_search(config, sums_of(5));
  config.start = SearchStart::resume;
  const auto refused = [&](const SearchConfig& changed, std::uint64_t weights) {
    try {
      run_search(changed, sums_of(weights));
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find(changed.state_path) != std::string::npos);
      return error.code() == ErrorCode::data;
    }
    return false;
  };
  CHECK(refused(config, 6));  // other weights
  SearchConfig other = config;
  other.evolution.seed = 1;
  CHECK(refused(other, 5));
  other = config;
  other.space.constraint.max_macs = 100'000'000;
  CHECK(refused(other, 5));
  other = config;
  other.state_path = directory / "absent.json";
  CHECK(refused(other, 5));
  const std::string text = test::read_text(config.state_path);
  for (const std::string& damaged : {text.substr(0, text.size() / 2), std::string("{}"), std::string()}) {
    test::write_text(config.state_path, damaged);
    CHECK(refused(config, 5));
  }
  const std::string left = config.state_path + ".rlnas-4194305-0.tmp";  // of a search that was killed
  test::write_text(left, "half");
  config.start = SearchStart::fresh;
  run_search(config, sums_of(5));
  CHECK(!std::filesystem::exists(left));
  CHECK(test::read_text(config.state_path) == text);
  config.start = SearchStart::resume;
  config.method = SearchMethod::exhaustive;
  CHECK_THROWS_AS(run_search(config, sums_of(5)), Error);
}

TEST_CASE("names of methods and scores") {
  CHECK(parse_search_method("random") == SearchMethod::random);
  CHECK(to_string(SearchMethod::exhaustive) == "exhaustive");
  CHECK_THROWS_AS(parse_search_method("genetic"), Error);
  CHECK(parse_score_kind("op-angle-sum") == ScoreKind::op_angle_sum);
  CHECK_THROWS_AS(parse_score_kind("accuracy"), Error);
}
