#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/philox.h"
#include "kernels/check.h"
#include "search/exact.h"

using namespace rlnas;

namespace {

// How the dots of a random problem's options are signed.
enum class Dots { positive, mixed, negative };

struct ProblemSpec {
  int groups = 5;
  int options = 4;
  Dots dots = Dots::positive;
  double cap_share = 1.0;     // of the range of the first cost; 1: no cap
  double second_share = 1.0;  // of the second
};

AngleSums random_sums(RandomStream& random, Dots dots) {
  const double norm0 = std::exp(4.0 * random.uniform_double() - 2.0);
  const double norm1 = std::exp(4.0 * random.uniform_double() - 2.0);
  double cos = random.uniform_double();
  if (dots == Dots::negative || (dots == Dots::mixed && random.below(2) == 1)) cos = -cos;
  return {cos * std::sqrt(norm0 * norm1), norm0, norm1};
}

ExactProblem random_problem(std::uint64_t seed, const ProblemSpec& spec) {
  RandomStream random(seed, "exact test");
  ExactProblem problem;
  problem.fixed = random_sums(random, spec.dots);
  problem.fixed_cost = {100, 1000};
  ExactCost low = problem.fixed_cost, range{};
  for (int g = 0; g < spec.groups; ++g) {
    std::vector<ExactOption>& options = problem.groups.emplace_back();
    ExactCost least{kNoCap, kNoCap}, most{};
    const int count = 1 + int(random.below(std::uint32_t(spec.options)));
    for (int o = 0; o < count; ++o) {
      ExactOption& option = options.emplace_back();
      option.sums = random_sums(random, spec.dots);
      for (std::size_t k = 0; k < kExactCosts; ++k) {
        option.cost[k] = random.below(1000);
        least[k] = std::min(least[k], option.cost[k]);
        most[k] = std::max(most[k], option.cost[k]);
      }
    }
    for (std::size_t k = 0; k < kExactCosts; ++k) low[k] += least[k], range[k] += most[k] - least[k];
  }
  const double share[kExactCosts] = {spec.cap_share, spec.second_share};
  for (std::size_t k = 0; k < kExactCosts; ++k) {
    if (share[k] < 1.0) problem.max_cost[k] = low[k] + std::int64_t(share[k] * double(range[k]));
  }
  return problem;
}

struct BruteForce {
  double cos = std::numeric_limits<double>::infinity();
  std::int64_t legal = 0;
};

BruteForce brute_force(const ExactProblem& problem) {
  BruteForce result;
  std::vector<std::size_t> choice(problem.groups.size());
  for (;;) {
    AngleSums sums = problem.fixed;
    ExactCost cost = problem.fixed_cost;
    for (std::size_t g = 0; g < choice.size(); ++g) {
      const ExactOption& option = problem.groups[g][choice[g]];
      sums += option.sums;
      for (std::size_t k = 0; k < kExactCosts; ++k) cost[k] += option.cost[k];
    }
    if (cost[0] <= problem.max_cost[0] && cost[1] <= problem.max_cost[1]) {
      ++result.legal;
      result.cos = std::min(result.cos, sums.dot / std::sqrt(sums.norm0_sq * sums.norm1_sq));
    }
    std::size_t g = 0;
    while (g < choice.size() && ++choice[g] == problem.groups[g].size()) choice[g++] = 0;
    if (g == choice.size()) return result;
  }
}

// The result belongs to a legal architecture and its figures are that architecture's.
void check_consistent(const ExactProblem& problem, const ExactResult& result) {
  REQUIRE(result.choice.size() == problem.groups.size());
  AngleSums sums = problem.fixed;
  ExactCost cost = problem.fixed_cost;
  for (std::size_t g = 0; g < result.choice.size(); ++g) {
    const ExactOption& option = problem.groups[g][std::size_t(result.choice[g])];
    sums += option.sums;
    for (std::size_t k = 0; k < kExactCosts; ++k) cost[k] += option.cost[k];
  }
  CHECK(result.cos == sums.dot / std::sqrt(sums.norm0_sq * sums.norm1_sq));
  CHECK(result.sums.dot == sums.dot);
  CHECK(result.cost == cost);
  for (std::size_t k = 0; k < kExactCosts; ++k) CHECK(cost[k] <= problem.max_cost[k]);
}

void check_against_brute_force(const ProblemSpec& spec, int problems) {
  for (int seed = 0; seed < problems; ++seed) {
    CAPTURE(seed);
    const ExactProblem problem = random_problem(std::uint64_t(seed), spec);
    const BruteForce truth = brute_force(problem);
    const ExactResult result = minimise_cos(problem);
    if (truth.legal == 0) {
      CHECK(result.status == ExactStatus::infeasible);
      continue;
    }
    REQUIRE(result.status == ExactStatus::optimal);
    check_consistent(problem, result);
    CHECK(std::abs(result.cos - truth.cos) <= 1e-11);
    CHECK(result.bound_cos <= truth.cos);
    CHECK(result.bound_cos > truth.cos - 1e-9);

    // A value that only the optimum beats changes nothing; the optimum itself leaves nothing to find.
    const ExactResult again = minimise_cos(problem, {.incumbent_cos = truth.cos + 1e-9});
    CHECK(again.status == ExactStatus::optimal);
    CHECK(std::abs(again.cos - truth.cos) <= 1e-11);
    const ExactResult none = minimise_cos(problem, {.incumbent_cos = truth.cos - 1e-11});
    CHECK(none.status == ExactStatus::none_better);
    CHECK(none.choice.empty());
    CHECK(none.bound_cos <= truth.cos);
  }
}

}  // namespace

TEST_CASE("exact: the optimum of brute force, with and without caps, for dots of either sign") {
  for (const Dots dots : {Dots::positive, Dots::mixed, Dots::negative}) {
    CAPTURE(int(dots));
    check_against_brute_force({.dots = dots}, 300);
    for (const double share : {0.05, 0.3, 0.6, 0.9}) {
      CAPTURE(share);
      check_against_brute_force({.dots = dots, .cap_share = share}, 200);
      check_against_brute_force({.dots = dots, .cap_share = share, .second_share = 0.4}, 200);
    }
  }
}

TEST_CASE("exact: larger reduced spaces") {
  for (const Dots dots : {Dots::positive, Dots::mixed}) {
    check_against_brute_force({.groups = 8, .options = 7, .dots = dots, .cap_share = 0.3}, 10);
    check_against_brute_force({.groups = 12, .options = 3, .dots = dots, .cap_share = 0.5}, 10);
  }
}

TEST_CASE("exact: options with equal sums are cut, not enumerated") {
  ExactProblem problem;
  problem.fixed = {1.0, 1.0, 1.0};
  problem.groups.assign(40, std::vector<ExactOption>(7, ExactOption{{2.0, 2.0, 2.0}, {}}));
  const ExactResult result = minimise_cos(problem);
  CHECK(result.status == ExactStatus::optimal);
  CHECK(result.cos == doctest::Approx(1.0).epsilon(1e-12));
  CHECK(result.nodes < 100);
}

TEST_CASE(
    "exact: a cap that nothing keeps, one that one architecture keeps, and two that exclude each other") {
  ExactProblem problem = random_problem(1, {.groups = 6});
  ExactCost least = problem.fixed_cost;
  for (const std::vector<ExactOption>& options : problem.groups) {
    std::int64_t low = kNoCap;
    for (const ExactOption& option : options) low = std::min(low, option.cost[0]);
    least[0] += low;
  }
  problem.max_cost[0] = least[0] - 1;
  CHECK(minimise_cos(problem).status == ExactStatus::infeasible);
  problem.max_cost[0] = least[0];
  const ExactResult tight = minimise_cos(problem);
  CHECK(tight.status == ExactStatus::optimal);
  CHECK(tight.cost[0] == least[0]);

  problem.groups = {{{{0.1, 1, 1}, {0, 9}}, {{0.2, 1, 1}, {9, 0}}}};
  problem.fixed_cost = {0, 0};
  problem.max_cost = {5, 5};
  CHECK(minimise_cos(problem).status == ExactStatus::infeasible);
}

TEST_CASE("exact: a node limit leaves a bound that still holds") {
  int unproven = 0;
  for (int seed = 0; seed < 200; ++seed) {
    const ExactProblem problem = random_problem(
        std::uint64_t(seed), {.groups = 7, .options = 5, .dots = Dots::mixed, .cap_share = 0.4});
    const ExactResult result = minimise_cos(problem, {.max_nodes = 1});
    const BruteForce truth = brute_force(problem);
    CHECK(result.bound_cos <= truth.cos);
    if (result.status != ExactStatus::unproven) continue;
    ++unproven;
    if (!result.choice.empty()) check_consistent(problem, result);
    CHECK(result.nodes < 10);
  }
  CHECK(unproven > 20);
}

TEST_CASE("exact: what cannot be searched is named") {
  ExactProblem problem = random_problem(1, {});
  problem.groups[2].clear();
  CHECK_THROWS_WITH_AS(minimise_cos(problem), "exact search: group 2 has no option", Error);
  problem = random_problem(1, {});
  problem.fixed.norm0_sq = 0.0;
  CHECK_THROWS_AS(minimise_cos(problem), Error);
  problem = random_problem(1, {});
  problem.groups[1][0].sums.dot = std::nan("");
  CHECK_THROWS_AS(minimise_cos(problem), Error);
}
