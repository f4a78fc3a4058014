// Statistics that figures show, against counts by hand and brute force.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/philox.h"
#include "search/report/statistics.h"

using namespace rlnas;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

SearchRecord record_of_scores(const std::vector<double>& scores, const std::vector<int>& generation) {
  SearchRecord record;
  record.columns = {{"angle", "angle (rad)", scores}};
  record.generation = generation;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    record.texts.push_back("architecture " + std::to_string(i));
    int rank = 1;
    for (std::size_t j = 0; j < scores.size(); ++j)
      rank += scores[j] > scores[i] || (scores[j] == scores[i] && j < i) ? 1 : 0;
    record.rank.push_back(rank);
  }
  return record;
}

}  // namespace

TEST_CASE("quantiles lie between order statistics") {
  const std::vector<double> values{4, 1, kNaN, 3, 2};
  CHECK(quantile(values, 0.0) == 1);
  CHECK(quantile(values, 0.5) == 2.5);
  CHECK(quantile(values, 0.1) == doctest::Approx(1.3));
  CHECK(quantile(values, 1.0) == 4);
  CHECK(quantile(std::vector<double>{7}, 0.9) == 7);
  CHECK(std::isnan(quantile(std::vector<double>{}, 0.5)));
  CHECK(quantile(std::vector<double>{-kInfinity, -kInfinity, 1}, 0.25) == -kInfinity);
  CHECK(quantile(std::vector<double>{-kInfinity, 1}, 0.5) == -kInfinity);
}

TEST_CASE("a generation's summary is of its own members, the best of all so far") {
  const auto summaries = generation_summaries(record_of_scores({1, 5, 3, 2, 4, 0, 9}, {1, 1, 1, 2, 2, 4, 4}));
  REQUIRE(summaries.size() == 3);  // the third is empty
  CHECK(summaries[0].median == 3);
  CHECK(summaries[0].best_so_far == 1);
  CHECK(summaries[1].generation == 2);
  CHECK(summaries[1].size == 2);
  CHECK(summaries[1].median == 3);
  CHECK(summaries[1].best_so_far == 1);
  CHECK(summaries[2].generation == 4);
  CHECK(summaries[2].low == doctest::Approx(0.9));
  CHECK(summaries[2].high == doctest::Approx(8.1));
  CHECK(summaries[2].best_so_far == 6);
  CHECK(generation_summaries(record_of_scores({1, 2}, {0, 0})).empty());
  CHECK(generation_summaries(SearchRecord{}).empty());
}

TEST_CASE("the Pareto front is what no other one beats, by brute force") {
  RandomStream random(3, "pareto");
  std::vector<double> cost, score;
  for (int i = 0; i < 300; ++i) {
    cost.push_back(double(random.below(20)));
    score.push_back(i % 17 == 0 ? -kInfinity : double(random.below(50)));
  }
  const std::vector<int> front = pareto_front(cost, score);
  for (std::size_t i = 1; i < front.size(); ++i) {
    CHECK(cost[std::size_t(front[i])] > cost[std::size_t(front[i - 1])]);
    CHECK(score[std::size_t(front[i])] > score[std::size_t(front[i - 1])]);
  }
  for (std::size_t i = 0; i < cost.size(); ++i) {
    if (!std::isfinite(score[i])) continue;
    CHECK(std::ranges::any_of(
        front, [&](int f) { return cost[std::size_t(f)] <= cost[i] && score[std::size_t(f)] >= score[i]; }));
  }
  CHECK(pareto_front(std::vector<double>{1}, std::vector<double>{kNaN}).empty());
}

TEST_CASE("a histogram counts every finite value once") {
  const Histogram h = histogram(std::vector<double>{0, 1, 2, 3, 4, kNaN, -kInfinity, 4}, 4);
  CHECK(h.count == std::vector<double>{1, 1, 1, 3});
  CHECK(h.middle.front() == 0.5);
  CHECK(h.left_out == 2);
  CHECK(histogram(std::vector<double>{5, 5}, 10).count == std::vector<double>{2});
  CHECK(histogram(std::vector<double>{kNaN}, 10).count.empty());
}

TEST_CASE("points are thinned the same way each time, and those that must be are there") {
  const SearchRecord record = record_of_scores(std::vector<double>(5000, 1.0), std::vector<int>(5000, 0));
  const std::vector<int> shown = shown_places(record, {17, 4999}, 600);
  CHECK(shown.size() == 600);
  CHECK(std::ranges::is_sorted(shown));
  CHECK(std::ranges::count(shown, 17) == 1);
  CHECK(std::ranges::count(shown, 4999) == 1);
  CHECK(shown == shown_places(record, {4999, 17, 17}, 600));
  // About evenly: a tenth of the places holds a tenth of the points.
  CHECK(std::ranges::count_if(shown, [](int place) { return place < 500; }) ==
        doctest::Approx(60).epsilon(0.4));
  CHECK(shown_places(record, {}, 5000).size() == 5000);
}

TEST_CASE("a long curve becomes means of runs, a short one stays") {
  const std::vector<double> x{1, 2, 3, 4, 5}, y{10, 20, 30, 40, 50};
  CHECK(thin_curve(x, y, 5).y == y);
  const ThinCurve thin = thin_curve(x, y, 3);
  CHECK(thin.stride == 2);
  CHECK(thin.x == std::vector<double>{1.5, 3.5, 5});
  CHECK(thin.y == std::vector<double>{15, 35, 50});
  CHECK(thin_curve({}, {}, 3).x.empty());
}
