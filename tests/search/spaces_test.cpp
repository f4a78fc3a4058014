// Searches of every space but NAS-Bench-201 (search_run_test.cpp) from made-up sums: limits, resumption,
// ranks, exact search and its gap, reports.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "kernels/check.h"
#include "search/search_report.h"
#include "search/search_run.h"
#include "search/spaces.h"
#include "tests/search/published_search.h"
#include "tests/support/errors.h"
#include "tests/support/golden_dir.h"
#include "tests/support/ranks.h"
#include "tests/support/temporary_directory.h"

using namespace rlnas;
using rlnas::test::TemporaryDirectory;
using Json = nlohmann::json;
using test::contains;
using test::published_search;
using test::published_sums;
using test::refusal;

namespace {

const std::vector<std::string> kNewSpaces{"darts-cifar", "darts-imagenet", "mobilenet"};

// And one of a file, for what is not published.
std::vector<std::string> searched_spaces() {
  std::vector<std::string> spaces = kNewSpaces;
  spaces.push_back(find_space(test::shipped_space("mobilenet")).name());
  return spaces;
}

double best_rad(const SearchReport& report) {
  return report.value(report.best(), "angle");
}

}  // namespace

TEST_CASE("published constants of the searches") {
  for (const std::string& space : kNewSpaces) {
    const SearchDefaults defaults = search_defaults(space);
    CHECK(defaults.evolution.population == 50);
    CHECK(defaults.evolution.top == 10);
    CHECK(defaults.evolution.mutants == 25);
    CHECK(defaults.evolution.crossovers == 25);
    CHECK(defaults.evolution.generations == 20);
    CHECK(defaults.evolution.seed == 1);
    CHECK(defaults.evolution.label_draws == 0);
    CHECK(defaults.max_mflops == (space == "darts-cifar" ? 0.0 : space == "mobilenet" ? 475.0 : 600.0));
  }
  CHECK(search_defaults("nasbench201").evolution.population == 100);
  CHECK(search_defaults("nasbench201").evolution.top == 30);
  CHECK(search_defaults("nasbench201").evolution.label_draws == 50000);
  CHECK_THROWS_AS(search_defaults("darts"), Error);
}

TEST_CASE("every method keeps the limits on FLOPs and parameters, and reports what it evaluated") {
  for (const std::string& space_name : searched_spaces()) {
    const std::vector<AngleSums> sums = published_sums(space_name, 1);
    for (const SearchMethod method : {SearchMethod::evolution, SearchMethod::random, SearchMethod::exact}) {
      for (const Compat compat : {Compat::none, Compat::megvii}) {
        CAPTURE(space_name);
        CAPTURE(word_of(method));
        SearchConfig config = published_search(space_name);
        config.method = method;
        config.evolution.compat = config.space.compat = compat;
        config.space.constraint = {};
        // Limits that the best without limits does not keep.
        const SearchReport unlimited = run_search(config, sums);
        config.space.constraint = {std::int64_t(unlimited.value(unlimited.best(), "macs")) - 1,
                                   std::int64_t(unlimited.value(unlimited.best(), "params")) - 1};
        const SearchReport report = run_search(config, sums);
        const std::unique_ptr<SearchSpace> space = make_search_space(config.space, sums);
        for (const FoundArchitecture& found : report.evaluated) {
          REQUIRE(space->macs(found.genes) <= config.space.constraint.max_macs);
          REQUIRE(space->params(found.genes) <= config.space.constraint.max_params);
          REQUIRE(double(space->macs(found.genes)) == report.value(found, "macs"));
          REQUIRE(double(space->params(found.genes)) == report.value(found, "params"));
          REQUIRE(report.value(found, "angle") <= best_rad(report));
          REQUIRE(space->parse(found.text) == found.genes);
          REQUIRE(space->angle_rad(found.genes) == report.value(found, "angle"));
        }
        CHECK(report.evaluated.size() == (method == SearchMethod::exact ? 1 : 1000));
        CHECK(report.space_size == 0);
        if (method == SearchMethod::exact) CHECK(best_rad(report) <= best_rad(unlimited));
      }
    }
  }
}

TEST_CASE("what the spaces have not is refused: enumeration, true accuracies, limits below the smallest") {
  for (const std::string& space : searched_spaces()) {
    const std::vector<AngleSums> sums = published_sums(space, 2);
    SearchConfig config = published_search(space);
    config.method = SearchMethod::exhaustive;
    CHECK(contains(refusal(ErrorCode::usage, config, sums), "--method exhaustive: "));
    config = published_search(space);
    config.truth_path = "accuracies.csv";
    CHECK(contains(refusal(ErrorCode::usage, config, sums), "--truth: "));
    config = published_search(space);
    config.space.constraint.max_macs = 1'000'000;
    CHECK(
        contains(refusal(ErrorCode::usage, config, sums), "--max-mflops 1: the smallest architecture has "));
    config = published_search(space);
    config.method = SearchMethod::exact;
    config.score = parse_score("op-angle-sum");
    CHECK(contains(refusal(ErrorCode::usage, config, sums), "--score op-angle-sum: "));
    config.method = SearchMethod::evolution;
    CHECK(refusal(ErrorCode::usage, config, sums) == "");
    config.report_gap = true;
    CHECK(contains(refusal(ErrorCode::usage, config, sums), "--score op-angle-sum: "));
    CHECK(refusal(ErrorCode::run_failed, published_search(space), published_sums("nasbench201", 2)) != "");
  }
}

TEST_CASE("searches of every space resume bit-equal from their saved state, and from no other's") {
  const TemporaryDirectory directory;
  for (const std::string& space : searched_spaces()) {
    const std::vector<AngleSums> sums = published_sums(space, 3);
    for (const SearchMethod method : {SearchMethod::evolution, SearchMethod::random}) {
      for (const Compat compat : {Compat::none, Compat::megvii}) {
        SearchConfig config = published_search(space);
        config.method = method;
        config.evolution.compat = config.space.compat = compat;
        config.evolution.generations = 8;
        const SearchReport straight = run_search(config, sums);
        config.state_path = directory / "state.json";
        config.evolution.generations = 3;
        run_search(config, sums);
        config.evolution.generations = 8;
        config.start = SearchStart::resume;
        const SearchReport resumed = run_search(config, sums);
        CHECK(report_json(resumed) == report_json(straight));
        CHECK(report_csv(resumed) == report_csv(straight));
        SearchConfig other = config;
        other.space.constraint.max_params = 100'000'000;
        CHECK(contains(refusal(ErrorCode::data, other, sums), "belongs to another search"));
      }
    }
  }
}

TEST_CASE("two and three ranks give the report of one process on every space") {
  for (const std::string& space : searched_spaces()) {
    const std::vector<AngleSums> sums = published_sums(space, 4);
    const std::pair<SearchMethod, Compat> searches[] = {{SearchMethod::evolution, Compat::none},
                                                        {SearchMethod::evolution, Compat::megvii},
                                                        {SearchMethod::random, Compat::none},
                                                        {SearchMethod::exact, Compat::none}};
    for (const auto& [method, compat] : searches) {
      SearchConfig config = published_search(space);
      config.method = method;
      config.evolution.generations = 4;
      config.evolution.compat = config.space.compat = compat;
      const std::string one = report_json(run_search(config, sums));
      for (const int size : {2, 3}) {
        std::string several;
        const auto outcomes = test::run_ranks(size, [&](Communicator& communicator) {
          const bool first = communicator.rank() == 0;
          const SearchReport report = run_search(first ? config : SearchConfig{},
                                                 first ? sums : std::vector<AngleSums>{}, communicator);
          if (first) several = report_json(report);
        });
        for (const test::RankOutcome& outcome : outcomes) CHECK(outcome.error == "");
        CHECK(several == one);
      }
    }
  }
}

TEST_CASE("the exact search is proven, nothing is better, and the gap of evolution to it is reported") {
  for (const std::string& space : searched_spaces()) {
    CAPTURE(space);
    const std::vector<AngleSums> sums = published_sums(space, 5);
    SearchConfig config = published_search(space);
    config.method = SearchMethod::exact;
    const SearchReport exact = run_search(config, sums);
    REQUIRE(exact.optimum);
    CHECK(exact.optimum->proof.proven);
    const double optimum_rad = best_rad(exact);
    CHECK(exact.optimum->architecture.genes == exact.best().genes);
    CHECK(exact.optimum->proof.bound_rad >= optimum_rad);
    CHECK(exact.optimum->proof.bound_rad < optimum_rad + 1e-9);

    config.method = SearchMethod::evolution;
    CHECK(!run_search(config, sums).optimum);
    config.report_gap = true;
    config.evolution.generations = 2;  // far from the optimum
    const SearchReport evolved = run_search(config, sums);
    CHECK(best_rad(evolved) < optimum_rad);
    const Json json = Json::parse(report_json(evolved)).at("optimum");
    CHECK(json.at("proven") == true);
    CHECK(json.at("arch") == exact.best().text);
    CHECK(json.at("angle_rad") == optimum_rad);
    CHECK(json.at("gap_rad").get<double>() == doctest::Approx(optimum_rad - best_rad(evolved)).epsilon(1e-6));
    std::ostringstream text;
    print_report(text, evolved);
    CHECK(contains(text.str(), "exact:  no architecture within the limits has a larger angle than "));
    CHECK(contains(text.str(), exact.best().text));
  }
}

TEST_CASE("the report says how hard the limits made the search") {
  const auto share_of = [](const std::string& space) {
    SearchConfig config = published_search(space);
    config.method = SearchMethod::random;
    const SearchReport report = run_search(config, published_sums(space, 6));
    const Json json = Json::parse(report_json(report)).at("random_proposals");
    std::ostringstream text;
    print_report(text, report);
    CHECK(contains(text.str(), "within the limits: " + json.at("within_limits").dump() + " of " +
                                   json.at("new").dump() + " random proposals ("));
    CHECK(json.at("within_limits") == 1000);
    CHECK(json.at("acceptance").get<double>() == 1000 / json.at("new").get<double>());
    CHECK(!contains(text.str(), "cut short"));
    return json.at("acceptance").get<double>();
  };
  CHECK(std::abs(share_of("mobilenet") - 0.0029) < 0.0004);  // method.md 8.1's Monte Carlo
  CHECK(std::abs(share_of("darts-imagenet") - 0.974) < 0.02);

  const SearchReport unlimited =
      run_search(published_search("darts-cifar"), published_sums("darts-cifar", 6));
  CHECK(!Json::parse(report_json(unlimited)).contains("random_proposals"));

  // Of all cells 3^6 have no convolution: seven generations of a hundred, then 29, then none.
  SearchConfig config;
  config.space.constraint.max_macs = 8'000'000;
  const SearchReport used_up = run_search(config, test::random_sums(supernet_segments("nasbench201", 10), 6));
  CHECK(used_up.evaluated.size() == 729);
  const Json json = Json::parse(report_json(used_up));
  CHECK(json.at("short_generations") == 2);
  CHECK(json.at("generations") == 8);
  std::ostringstream text;
  print_report(text, used_up);
  CHECK(
      contains(text.str(), "cut short: 2 generations, because too few of the proposals were new and within"));
}

TEST_CASE("paths over the edges: the space's own answer, equal to --describe's on NAS-Bench-201") {
  const auto space = make_search_space({.name = "nasbench201"});
  for (const char* text : {"#1", "#11472", "enum:0", "enum:15624"}) {
    const Json described = Json::parse(description_json(*space, space->parse(text)));
    const std::vector<CellPaths> paths = space->cell_paths(space->parse(text));
    REQUIRE(paths.size() == 1);
    CHECK(paths[0].live == described.at("live_paths"));
    REQUIRE(paths[0].edges.size() == described.at("multiplicity").size());
    for (std::size_t edge = 0; edge < paths[0].edges.size(); ++edge)
      CHECK(paths[0].edges[edge].paths == described.at("multiplicity")[edge]);
  }
}
