// Scores: sums of ranks, what is measured once and kept, and what stops a search.
#include "search/indicator_measure.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "search/score.h"
#include "search/search_measures.h"
#include "search/spaces.h"
#include "tests/support/errors.h"
#include "tests/support/ranks.h"
#include "tests/support/temporary_directory.h"

using namespace rlnas;
using test::contains;

namespace {

constexpr double kNothing = -std::numeric_limits<double>::infinity();

std::unique_ptr<SearchSpace> small_cells() {
  return make_search_space({.name = "nasbench201", .image_size = 8});
}

ProbeConfig small_probe() {
  return {.batch = 4};
}

Candidate candidate(std::vector<double> values) {
  return {.genes = {}, .values = std::move(values)};
}

// Counts what it is asked for.
class CountingMeasure final : public PartialMeasure {
 public:
  int values() const override { return 2; }
  std::vector<double> measure_some(std::span<const Genes> candidates, std::uint64_t wanted) override {
    asked += std::int64_t(candidates.size());
    last_wanted = wanted;
    std::vector<double> values;
    for (const Genes& genes : candidates)
      for (int k = 0; k < 2; ++k)
        values.push_back((wanted >> k & 1) != 0 ? genes[0] + 10.0 * k : std::nan(""));
    return values;
  }
  std::int64_t asked = 0;
  std::uint64_t last_wanted = 0;
};

class NoMeasure final : public Measure {
 public:
  int values() const override { return 0; }
  std::vector<double> measure(std::span<const Genes>) override { return {}; }
};

struct Booked {
  Booked(std::vector<std::string> indicators, MeasureHooks hooks = {})
      : measure(std::move(indicators), computed, quick, book, std::move(hooks),
                std::make_shared<NetworkClasses>(find_space("nasbench201"))) {}
  CountingMeasure computed;
  NoMeasure quick;
  ScoreBook book;
  BookedMeasure measure;
};

const std::vector<std::string> kTwo{"az-expressivity", "synflow"};

}  // namespace

TEST_CASE(
    "a single value is the score; of several it is the sum of ln(rank / n), equal ones sharing their mean "
    "rank") {
  std::vector<Candidate> one{candidate({3.0}), candidate({kNothing})};
  score_candidates(one);
  CHECK(one[0].score == 3.0);
  CHECK(one[1].score == kNothing);

  std::vector<Candidate> two{candidate({1.0, 5.0}), candidate({2.0, 5.0}), candidate({9.0, kNothing}),
                             candidate({std::nan(""), 7.0})};
  score_candidates(two);
  CHECK(two[0].score == doctest::Approx(std::log(2.0 / 4) + std::log(2.5 / 4)));
  CHECK(two[1].score == doctest::Approx(std::log(3.0 / 4) + std::log(2.5 / 4)));
  CHECK(two[2].score == doctest::Approx(std::log(4.0 / 4) + std::log(1.0 / 4)));
  CHECK(two[3].score == doctest::Approx(std::log(1.0 / 4) + std::log(4.0 / 4)));
}

TEST_CASE(
    "a network is measured once for all architectures that are it, and only by what is not known of it") {
  const Space& space = find_space("nasbench201");
  Booked booked(kTwo);
  const std::vector<Genes> same{
      space.parse("|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|"),
      space.parse("|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|nor_conv_1x1~1|none~2|"),
      space.parse("|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_1x1~2|")};
  const std::vector<double> values = booked.measure.measure(same);
  CHECK(booked.computed.asked == 1);
  CHECK(booked.measure.computed() == 1);
  CHECK(values.size() == 6);
  for (std::size_t i = 2; i < values.size(); ++i) CHECK(values[i] == values[i % 2]);
  CHECK(booked.measure.measure(same) == values);
  CHECK(booked.computed.asked == 1);

  Booked half(kTwo);
  half.book.put("synflow", NetworkClasses(space).representative(same[1]), 0.5);
  CHECK(half.measure.measure(std::span(same).first(1))[1] == 0.5);
  CHECK(half.computed.last_wanted == 1);
}

TEST_CASE("a search that is told to stop saves what it has and ends; measuring goes on from there") {
  std::vector<Genes> all;
  for (std::int64_t i = 15000; i < 15200; ++i) all.push_back(genes_at(find_space("nasbench201"), i));
  int questions = 0;
  std::string saved;
  Booked first(kTwo,
               {.stops = [&] { return ++questions > 3; },
                .save = [&](const ScoreBook& book) { saved = book.csv(find_space("nasbench201"), "x"); }});
  CHECK_THROWS_AS(first.measure.measure(all), Interrupted);
  CHECK(first.computed.asked > 0);
  const test::TemporaryDirectory directory;
  const std::string path = directory / "scores.csv";
  std::ofstream(path) << saved;

  Booked second(kTwo);
  const NetworkClasses& classes = second.measure.classes();
  second.book.read(
      "--resume:", path, find_space("nasbench201"), "x",
      [&](const std::string& name, const Genes& genes) { return book_key(classes, name, genes); });
  second.measure.measure(all);
  Booked whole(kTwo);
  whole.measure.measure(all);
  CHECK(first.computed.asked + second.computed.asked == whole.computed.asked);
  CHECK(second.book.csv(find_space("nasbench201"), "x") == whole.book.csv(find_space("nasbench201"), "x"));
}

TEST_CASE("tables of scores: what does not fit is refused, naming flag, file and line") {
  const Space& space = find_space("nasbench201");
  const test::TemporaryDirectory directory;
  const std::string path = directory / "scores.csv", arch = space.text(genes_at(space, 7));
  const auto read = [&](const std::string& text, const std::string& stamp = "this") {
    std::ofstream(path) << text;
    ScoreBook book;
    book.read("--scores", path, space, stamp, [](const std::string&, const Genes& genes) { return genes; });
    return book.find("synflow", genes_at(space, 7));
  };
  const auto refusal = [&](const std::string& text) {
    return test::error_of(ErrorCode::data, [&] { read(text); });
  };
  CHECK(read("# rlnas scores: this\narch,synflow\n" + arch + ",1.5\n") == 1.5);
  CHECK(read("rank,synflow,arch,other\n1,-inf," + arch + ",words\n") == kNothing);
  CHECK(read("arch,synflow\n" + arch + ",\n") == std::nullopt);
  CHECK(contains(refusal("# rlnas scores: that\narch,synflow\n"),
                 "--scores " + path + ": line 1: measured otherwise"));
  CHECK(contains(refusal("synflow\n1\n"), "line 1: no column arch"));
  CHECK(contains(refusal("arch,synflow\n" + arch + "\n"), "line 2: 1 fields where the header has 2"));
  CHECK(contains(refusal("arch,synflow\n|x~0|,1\n"), "line 2: arch '|x~0|' is none of nasbench201"));
  CHECK(contains(refusal("arch,synflow\n" + arch + ",fast\n"), "line 2: 'fast' is no number"));
}

TEST_CASE(
    "measured values do not depend on threads or ranks, differ from seed to seed, and are means over draws") {
  const auto space = small_cells();
  const Score score = parse_score("az-nas+synflow");
  std::vector<Genes> some;
  for (const std::int64_t i : {11717, 4153, 777, 15624, 0}) some.push_back(genes_at(*space, i));
  const auto measured = [&](const ProbeConfig& probe, int threads) {
    SearchMeasures measures(*space, score, probe, {.threads = threads});
    return measures.computed().measure(some);
  };
  const std::vector<double> one = measured(small_probe(), 1);
  REQUIRE(one.size() == 4 * some.size());
  CHECK(measured(small_probe(), 3) == one);
  const std::vector<double> other = measured({.batch = 4, .seed = 1}, 1);
  CHECK(other != one);
  const std::vector<double> both = measured({.batch = 4, .draws = 2}, 1);
  CHECK(both != one);
  // No live path: nothing can be said.
  for (std::size_t k = 0; k < 4; ++k) CHECK(one[16 + k] == kNothing);
  for (std::size_t k = 0; k < 16; ++k) CHECK((std::isfinite(one[k]) || k % 4 == 2));

  const auto outcomes = test::run_ranks(2, [&](Communicator& communicator) {
    SearchMeasures measures(*space, score, small_probe(), {.threads = 1});
    if (communicator.rank() == 0) {
      ShardedMeasure sharded(measures.computed(), communicator);
      CHECK(sharded.measure(some) == one);
      sharded.finish();
    } else {
      serve_measure(measures.computed(), space->gene_count(), communicator);
    }
  });
  for (const test::RankOutcome& outcome : outcomes) CHECK(outcome.error == "");
}
