#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "kernels/check.h"
#include "search/nasbench201/space.h"
#include "search/search_report.h"
#include "search/search_run.h"
#include "search/spaces.h"
#include "tests/search/random_weights.h"
#include "tests/support/temporary_directory.h"

using namespace rlnas;
using rlnas::test::TemporaryDirectory;

namespace {

SegmentTable nasbench201_segments() {
  return supernet_segments(nasbench201::space().name(), 10);
}

std::vector<AngleSums> sums_of(std::uint64_t seed) {
  const SegmentTable segments = nasbench201_segments();
  return test::plain_sums(segments, test::random_weights(segments, seed));
}

std::unique_ptr<SearchSpace> space_of(std::uint64_t seed) {
  return make_search_space({.name = nasbench201::space().name()}, sums_of(seed));
}

nasbench201::Cell cell_of(const FoundArchitecture& found) {
  return nasbench201::cell_of_genes(found.genes);
}

// A table whose column `cost` is the parameter count, and `score` the given cell score.
std::string write_truth(const TemporaryDirectory& directory, const SearchSpace& space) {
  std::ostringstream text;
  text.precision(17);
  text << "index,arch,cost,score\n";
  for (int i = 0; i < nasbench201::kSpaceSize; ++i) {
    const nasbench201::Cell cell = nasbench201::cell_of_benchmark(i);
    const Genes genes = nasbench201::genes_of_cell(cell);
    text << i << ',' << nasbench201::to_string(cell) << ',' << space.params(genes) << ','
         << space.op_angle_sum(genes) << '\n';
  }
  test::write_text(directory / "truth.csv", text.str());
  return directory / "truth.csv";
}

std::vector<std::string> csv_fields(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream rest(line);
  for (std::string field; std::getline(rest, field, ',');) fields.push_back(field);
  return fields;
}

}  // namespace

TEST_CASE("a report correlates both scores and the costs with each column, and places the found cell") {
  const TemporaryDirectory directory;
  const std::vector<AngleSums> sums = sums_of(1);
  SearchConfig config;
  config.method = SearchMethod::exhaustive;
  config.score = parse_score("op-angle-sum");
  config.truth_path = write_truth(directory, *space_of(1));
  const SearchReport report = run_search(config, sums);
  CHECK(report.evaluated.size() == 15625);
  REQUIRE(report.correlations.size() == 2);
  CHECK(report.correlations[0].column == "cost");
  const auto correlation = [&](std::size_t column, const char* indicator) {
    return report.correlations[column].indicators.at(std::size_t(report.place_of(indicator))).all;
  };
  CHECK(correlation(0, "params").kendall_tau_b == doctest::Approx(1));
  CHECK(correlation(0, "params").kendall_tau_rank == 1);
  CHECK(correlation(1, "op-angle-sum").spearman == doctest::Approx(1));
  CHECK(correlation(1, "angle").spearman < 0.999);
  CHECK(report.correlations[1].best.rank == 1);
  CHECK(report.correlations[1].best.percentile == 100.0);

  const auto json = nlohmann::json::parse(report_json(report));
  CHECK(json.at("best").at("arch") == report.best().text);
  CHECK(json.at("best").at("index") == nasbench201::benchmark_index(cell_of(report.best())));
  CHECK(json.at("best").at("angle_rad") == report.value(report.best(), "angle"));
  CHECK(json.at("best").at("macs") == report.value(report.best(), "macs"));
  CHECK(json.at("best").at("params") == report.value(report.best(), "params"));
  for (const char* count : {"macs", "params"}) CHECK(json.at("best").at(count).is_number_integer());
  const auto& score = json.at("correlation").at("score");
  CHECK(score.at("spearman").get<double>() == doctest::Approx(1));
  CHECK(score.at("kendall_tau_b") == score.at("op_angle_sum").at("kendall_tau_b"));
  CHECK(score.at("kendall_tau_rank") != score.at("baseline_macs").at("kendall_tau_rank"));
  CHECK(json.at("correlation").at("cost").at("baseline_params").at("kendall_tau_rank") == 1.0);

  // The other populations, the same from their definition.
  CHECK(report.correlated == 15625);
  CHECK(report.correlated_live == 9445);
  CHECK(score.at("live").at("spearman").get<double>() == doctest::Approx(1));
  CHECK(score.at("equal_macs").at("kendall_tau_b").get<double>() == doctest::Approx(1));
  CHECK(score.at("baseline_macs").at("equal_macs").at("kendall_tau_b") == 0.0);
  CHECK(json.at("correlation").at("cost").at("baseline_params").at("live").at("kendall_tau_rank") == 1.0);
  double best_of_top = 0.0;
  for (const FoundArchitecture& found : report.top)
    best_of_top = std::max(best_of_top, report.value(found, "op-angle-sum"));
  CHECK(json.at("top_truth").at("score").at("best").get<double>() ==
        doctest::Approx(best_of_top).epsilon(1e-6));

  std::ostringstream text;
  print_report(text, report);
  CHECK(text.str().find(report.best().text) != std::string::npos);
  CHECK(text.str().find("op-angle-sum") != std::string::npos);
}

TEST_CASE("a score that is not told of every architecture gets its correlations too") {
  const TemporaryDirectory directory;
  SearchConfig config;
  config.method = SearchMethod::exhaustive;
  config.score = parse_score("layers");
  config.truth_path = write_truth(directory, *space_of(1));
  const SearchReport report = run_search(config, sums_of(1));
  const auto json = nlohmann::json::parse(report_json(report));
  const auto& cost = json.at("correlation").at("cost");
  CHECK(cost.at("baseline_layers").at("spearman") == cost.at("spearman"));
  CHECK(cost.at("baseline_layers").at("kendall_tau_b") == cost.at("kendall_tau_b"));
  CHECK(cost.at("spearman").get<double>() > 0.7);  // layers and parameters go together
  CHECK(cost.at("spearman").get<double>() < 0.999);
  CHECK(cost.at("baseline_params").at("kendall_tau_rank") == 1.0);
  std::ostringstream text;
  print_report(text, report);
  CHECK(text.str().find("layers alone") != std::string::npos);
}

TEST_CASE("the CSV lists every evaluated architecture, with both scores, to the bit, generation and rank") {
  const auto space = space_of(2);
  const std::vector<AngleSums> sums = sums_of(2);
  for (const char* score : {"angle", "op-angle-sum"}) {
    SearchConfig config;
    config.score = parse_score(score);
    config.top_count = 2000;
    const SearchReport report = run_search(config, sums);
    std::istringstream lines(report_csv(report));
    std::string line;
    std::getline(lines, line);
    CHECK(line == "enumeration_index,arch,angle_rad,op_angle_sum,macs,params,generation,rank");
    std::vector<std::string> by_rank(2000);
    int count = 0;
    while (std::getline(lines, line)) {
      const std::vector<std::string> fields = csv_fields(line);
      REQUIRE(fields.size() == 8);
      const nasbench201::Cell cell = nasbench201::cell_at(std::stoi(fields[0]));
      const Genes genes = nasbench201::genes_of_cell(cell);
      REQUIRE(fields[1] == nasbench201::to_string(cell));
      REQUIRE(std::stod(fields[2]) == space->angle_rad(genes));
      REQUIRE(std::stod(fields[3]) == space->op_angle_sum(genes));
      REQUIRE(std::stoll(fields[4]) == space->macs(genes));
      REQUIRE(std::stoll(fields[5]) == space->params(genes));
      REQUIRE(std::stoi(fields[6]) == 1 + count / 100);
      by_rank.at(std::size_t(std::stoi(fields[7])) - 1) = fields[1];
      ++count;
    }
    CHECK(count == 2000);
    REQUIRE(report.top.size() == 2000);
    for (std::size_t i = 0; i < by_rank.size(); ++i) REQUIRE(by_rank[i] == report.top[i].text);
  }
}

TEST_CASE("the CSV of a method without generations leaves that column empty") {
  SearchConfig config;
  config.method = SearchMethod::exact;
  const SearchReport report = run_search(config, sums_of(2));
  std::istringstream lines(report_csv(report));
  std::string line;
  std::getline(lines, line);
  REQUIRE(std::getline(lines, line));
  const std::vector<std::string> fields = csv_fields(line);
  REQUIRE(fields.size() == 8);
  CHECK(fields[1] == report.best().text);
  CHECK(fields[6].empty());
  CHECK(fields[7] == "1");
}

TEST_CASE("exhaustive search returns the best of the whole space, random search no better") {
  const auto space = space_of(3);
  const std::vector<AngleSums> sums = sums_of(3);
  double best = 0.0;
  for (int i = 0; i < nasbench201::kSpaceSize; ++i) {
    best = std::max(best, space->angle_rad(nasbench201::genes_of_cell(nasbench201::cell_at(i))));
  }
  SearchConfig config;
  config.method = SearchMethod::exhaustive;
  const SearchReport all = run_search(config, sums);
  CHECK(all.value(all.best(), "angle") == best);
  config.method = SearchMethod::random;
  const SearchReport random = run_search(config, sums);
  CHECK(random.value(random.best(), "angle") <= best);
  CHECK(random.evaluated.size() == 2000);
}

TEST_CASE("of equal angles exact finds the cell with the fewest MACs, as exhaustive search ranks them") {
  // Two tensors turned, each of which two paths of a cell can run over: a 1x1 convolution on the first edge,
  // a 3x3 on the last. Both at once are beyond the limit; the cell with the 3x3 alone is enumerated earlier.
  const std::string cheap = "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|skip_connect~1|skip_connect~2|";
  const std::string early = "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|";
  std::vector<AngleSums> sums;
  for (const Segment& segment : nasbench201_segments()) {
    const bool turned = (segment.edge == 0 && segment.op == int(nasbench201::Op::nor_conv_1x1)) ||
                        (segment.edge == 5 && segment.op == int(nasbench201::Op::nor_conv_3x3));
    sums.push_back({turned ? 0.0 : 1.0, 1.0, 1.0});
  }
  SearchConfig config;
  config.space.constraint.max_macs =
      stand_alone_counts(nasbench201::space(), {.classes = 10, .image_size = 32})
          .macs.of(nasbench201::space().parse(early));
  for (const Compat compat : {Compat::none, Compat::megvii}) {
    config.evolution.compat = config.space.compat = compat;
    for (const SearchMethod method : {SearchMethod::exhaustive, SearchMethod::exact}) {
      config.method = method;
      CHECK(run_search(config, sums).best().text == (compat == Compat::none ? cheap : early));
    }
  }
}

TEST_CASE("exact search finds the cell that exhaustive search lists first, whatever ties there are") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    std::vector<AngleSums> sums;  // tensors that stayed and others at a right angle, all of the same length
    for (const Segment& segment : nasbench201_segments()) {
      RandomStream random(seed, "ties", std::uint64_t(segment.edge + 1), std::uint64_t(segment.op + 1));
      sums.push_back({segment.edge >= 0 ? double(random.below(2)) : 1.0, 1.0, 1.0});
    }
    SearchConfig config;
    if (seed % 2 == 1) config.space.constraint.max_macs = 60'000'000;
    config.method = SearchMethod::exhaustive;
    const SearchReport exhaustive = run_search(config, sums);
    config.method = SearchMethod::exact;
    const SearchReport exact = run_search(config, sums);
    CHECK(exact.best().text == exhaustive.best().text);
    CHECK(exact.optimum->proof.nodes == std::int64_t(exhaustive.evaluated.size()));
  }
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
  CHECK(parse_word<SearchMethod>("--method", "random") == SearchMethod::random);
  CHECK(word_of(SearchMethod::exhaustive) == std::string("exhaustive"));
  CHECK_THROWS_AS(parse_word<SearchMethod>("--method", "genetic"), Error);
  CHECK(indicator_info("op-angle-sum").name == std::string("op-angle-sum"));
  CHECK_THROWS_AS(indicator_info("az-nas"), Error);  // a sum, not an indicator
  CHECK(parse_score("az-nas+macs+layers").indicators ==
        std::vector<std::string>{"az-expressivity", "az-progressivity", "az-trainability", "macs", "layers"});
  for (const char* wrong : {"", "+", "angle+", "angle++macs", "Angle", "angle macs"})
    CHECK_THROWS_AS(parse_score(wrong), Error);
}
