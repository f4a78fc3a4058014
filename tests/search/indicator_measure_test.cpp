// Scores: sums of ranks, what is measured once and kept, and what stops a search.
#include "search/indicator_measure.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "search/csv.h"
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
    "a single value is the score, of several it is the sum of ln(rank / n), equal ones sharing their mean "
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

TEST_CASE("a search that is told to stop saves what it has and ends, measuring goes on from there") {
  std::vector<Genes> all;
  for (std::int64_t i = 15000; i < 15200; ++i) all.push_back(genes_at(find_space("nasbench201"), i));
  int questions = 0;
  std::string saved;
  Booked first(kTwo, {.stops = [&] { return ++questions > 3; },
                      .save = [&](const ScoreBook& book) { saved = book.csv(find_space("nasbench201")); }});
  CHECK_THROWS_AS(first.measure.measure(all), Interrupted);
  CHECK(first.computed.asked > 0);
  const test::TemporaryDirectory directory;
  const std::string path = directory / "scores.csv";
  std::ofstream(path) << saved;

  Booked second(kTwo);
  const NetworkClasses& classes = second.measure.classes();
  second.book.read(
      "--resume:", path, find_space("nasbench201"),
      [&](const std::string& name, const Genes& genes) { return book_key(classes, name, genes); });
  second.measure.measure(all);
  Booked whole(kTwo);
  whole.measure.measure(all);
  CHECK(first.computed.asked + second.computed.asked == whole.computed.asked);
  CHECK(second.book.csv(find_space("nasbench201")) == whole.book.csv(find_space("nasbench201")));
}

TEST_CASE("tables of scores: what does not fit is refused, naming flag, file and line") {
  const Space& space = find_space("nasbench201");
  const test::TemporaryDirectory directory;
  const std::string path = directory / "scores.csv", arch = space.text(genes_at(space, 7));
  const auto own_key = [](const std::string&, const Genes& genes) { return genes; };
  const auto read_book = [&](const std::string& text) {
    std::ofstream(path) << text;
    ScoreBook book;
    book.set_stamp("synflow", "this");
    book.read("--scores", path, space, own_key);
    return book;
  };
  const auto read = [&](const std::string& text) {
    return read_book(text).find("synflow", genes_at(space, 7));
  };
  const auto refusal = [&](const std::string& text) {
    return test::error_of(ErrorCode::data, [&] { read(text); });
  };
  CHECK(read("# rlnas scores\n# synflow: this\narch,synflow\n" + arch + ",1.5\n") == 1.5);
  CHECK(read("rank,synflow,arch,other\n1,-inf," + arch + ",words\n") == kNothing);
  CHECK(read("arch,synflow\n" + arch + ",\n") == std::nullopt);
  CHECK(contains(refusal("# rlnas scores\n# synflow: that\narch,synflow\n"),
                 "--scores " + path + ": line 2: synflow was measured otherwise: 'that', not 'this'"));
  // What this run does not measure is carried along, with how it was measured, but for a report's.
  const std::string both =
      "# rlnas scores\n# accuracy: SuperNet 1\n# synflow: this\narch,accuracy,synflow\n" + csv_field(arch) +
      ",0.25,1.5\n";
  CHECK(read_book(both).csv(space) == both);
  const ScoreBook of_report = read_book("arch,accuracy,synflow\n" + csv_field(arch) + ",0.25,1.5\n");
  CHECK(of_report.find("accuracy", genes_at(space, 7)) == std::nullopt);
  CHECK(of_report.find("synflow", genes_at(space, 7)) == 1.5);
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

TEST_CASE("--probe-data: real batches for those whose papers look at some, in an order of their own a draw") {
  const auto space = small_cells();
  const Score score = parse_score("grad-sign+zico+synflow");
  const std::vector<Genes> some{genes_at(*space, 11717), genes_at(*space, 777)};
  const auto measured = [&](const ProbeConfig& probe, int threads = 1) {
    SearchMeasures measures(*space, score, probe, {.threads = threads});
    return measures.computed().measure(some);
  };
  const std::vector<double> noise = measured(small_probe());
  const std::vector<double> real = measured({.batch = 4, .data = "synthetic:10"});
  REQUIRE(real.size() == 6);
  for (const std::size_t k : {0, 1, 3, 4}) CHECK(real[k] != noise[k]);
  for (const std::size_t k : {2, 5}) CHECK(real[k] == noise[k]);  // synflow takes an image of ones
  CHECK(measured({.batch = 4, .data = "synthetic:10"}, 2) == real);
  CHECK(measured({.batch = 4, .draws = 2, .data = "synthetic:10"}) != real);
  for (const char* name : {"naswot", "jacov", "swap"}) {
    CAPTURE(name);
    const auto value = [&](const ProbeConfig& probe) {
      return SearchMeasures(*space, parse_score(name), probe, {.threads = 1})
          .computed()
          .measure({&some[0], 1});
    };
    CHECK(value({.batch = 16, .data = "synthetic:16"}) != value({.batch = 16}));
  }

  const NetworkOptions network = space->space().published_stand_alone(10, 8);
  const ProbeImages images("synthetic:10", space->space(), network, 4, 0);
  CHECK(images.batch(0, 2).labels ==
        images.batch(0, 0).labels);  // two whole batches, then from the beginning
  CHECK(images.batch(0, 1).images != images.batch(0, 0).images);
  CHECK(images.batch(1, 0).images != images.batch(0, 0).images);
  // Normalised: the mean of all is about 0, their deviation about 1.
  double sum = 0.0, square = 0.0, count = 0.0;
  for (int b = 0; b < 2; ++b)
    for (const float value : images.batch(0, b).images) {
      sum += value;
      square += double(value) * value;
      count += 1.0;
    }
  CHECK(count == 2 * 4 * 8 * 8 * 3);
  CHECK(std::abs(sum / count) < 0.3);
  CHECK(square / count == doctest::Approx(1.0).epsilon(0.3));

  SearchMeasures measures(*space, score, {.batch = 4, .data = "synthetic:10"}, {.threads = 1});
  CHECK(contains(measures.stamp_of("zico"), "seed 0, synthetic images "));
  CHECK(!contains(measures.stamp_of("synflow"), "images "));
  const auto refusal = [&](ErrorCode code, const std::string& data, int batch, const char* of_score) {
    return test::error_of(code, [&] {
      SearchMeasures(*space, parse_score(of_score), {.batch = batch, .data = data}, {.threads = 1});
    });
  };
  CHECK(contains(refusal(ErrorCode::usage, "synthetic:10", 16, "zico"),
                 "--probe-data synthetic:10: has 10 images, fewer than a batch of --probe-batch 16"));
  CHECK(contains(refusal(ErrorCode::usage, "synthetic:10", 4, "synflow"), "--probe-data: --score synflow"));
  CHECK(contains(refusal(ErrorCode::usage, "photos:x", 4, "zico"), "--probe-data"));
  CHECK(contains(test::error_of(ErrorCode::usage,
                                [&] {
                                  SearchMeasures few(*space, parse_score("swap"),
                                                     {.batch = 4, .data = "synthetic:10"}, {.threads = 1});
                                  few.computed().measure(some);
                                }),
                 "--probe-batch 4: must be at least 16"));
  CHECK(contains(refusal(ErrorCode::data, "cifar10:nowhere", 4, "zico"), "nowhere"));
}

TEST_CASE("--profile: the time of networks by indicator, with the host's own part") {
  const auto space = small_cells();
  SearchMeasures measures(*space, parse_score("naswot+synflow"), small_probe(),
                          {.threads = 2, .profile = true});
  CHECK(contains(measures.profile(), "no network was measured"));
  const std::vector<Genes> some{genes_at(*space, 11717), genes_at(*space, 777), genes_at(*space, 4153)};
  const std::vector<double> profiled = measures.computed().measure(some);
  SearchMeasures plain(*space, parse_score("naswot+synflow"), small_probe(), {.threads = 2});
  CHECK(plain.computed().measure(some) == profiled);
  CHECK(plain.profile().empty());
  const std::string report = measures.profile();
  CHECK(contains(report, "where the time of a network goes (mean of 3 networks)"));
  CHECK(contains(report, "conv_norm_forward 3x3"));
  CHECK(contains(report, "on the host"));
  CHECK(contains(report, "\nnaswot "));
  CHECK(contains(report, "\nsynflow "));
}
