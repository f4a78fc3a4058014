#include "search/exact_scaled.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr double kCosSlack = 1e-12;

void check(const ExactProblem& problem) {
  const auto usable = [](const AngleSums& s) {
    return std::isfinite(s.dot) && s.norm0_sq >= 0.0 && std::isfinite(s.norm0_sq) && s.norm1_sq >= 0.0 &&
           std::isfinite(s.norm1_sq);
  };
  RLNAS_CHECK(usable(problem.fixed) && problem.fixed.norm0_sq > 0.0 && problem.fixed.norm1_sq > 0.0,
              run_failed, "exact search: the fixed part needs finite sums and positive norms");
  for (std::size_t g = 0; g < problem.groups.size(); ++g) {
    RLNAS_CHECK(!problem.groups[g].empty(), run_failed, "exact search: group ", g, " has no option");
    for (const ExactOption& o : problem.groups[g]) {
      RLNAS_CHECK(usable(o.sums), run_failed, "exact search: the sums of group ", g,
                  " are not finite or a norm is negative");
    }
  }
}

}  // namespace

ScaledExactProblem scale(const ExactProblem& problem) {
  check(problem);
  ScaledExactProblem scaled;
  ExactTotals largest{problem.fixed.dot, problem.fixed.norm0_sq, problem.fixed.norm1_sq, {}};
  ExactTotals smallest = largest;
  std::vector<ExactCost> cheapest(problem.groups.size());
  ExactCost range{}, least = problem.fixed_cost;
  for (std::size_t g = 0; g < problem.groups.size(); ++g) {
    const std::vector<ExactOption>& options = problem.groups[g];
    const auto by = [&](auto&& value) {
      return std::minmax_element(
          options.begin(), options.end(),
          [&](const ExactOption& a, const ExactOption& b) { return value(a) < value(b); });
    };
    const auto norm0 = by([](const ExactOption& o) { return o.sums.norm0_sq; });
    const auto norm1 = by([](const ExactOption& o) { return o.sums.norm1_sq; });
    largest.norm0 += norm0.second->sums.norm0_sq;
    largest.norm1 += norm1.second->sums.norm1_sq;
    smallest.norm0 += norm0.first->sums.norm0_sq;
    smallest.norm1 += norm1.first->sums.norm1_sq;
    for (std::size_t k = 0; k < kExactCosts; ++k) {
      const auto cost = by([k](const ExactOption& o) { return o.cost[k]; });
      cheapest[g][k] = cost.first->cost[k];
      range[k] += cost.second->cost[k] - cost.first->cost[k];
      least[k] += cost.first->cost[k];
    }
  }
  const double norm0 = largest.norm0, norm1 = largest.norm1, dot = std::sqrt(norm0) * std::sqrt(norm1);
  scaled.fixed = {
      problem.fixed.dot / dot, problem.fixed.norm0_sq / norm0, problem.fixed.norm1_sq / norm1, {}};
  scaled.smallest_norm0 = smallest.norm0 / norm0;
  scaled.smallest_norm1 = smallest.norm1 / norm1;
  scaled.smallest_norm = std::sqrt(scaled.smallest_norm0 * scaled.smallest_norm1);
  for (std::size_t k = 0; k < kExactCosts; ++k) {
    // A cap that even the dearest architecture keeps is no constraint.
    scaled.capped[k] = range[k] > 0 && problem.max_cost[k] - least[k] < range[k];
    if (scaled.capped[k]) scaled.cap[k] = double(problem.max_cost[k] - least[k]) / double(range[k]);
  }
  for (std::size_t g = 0; g < problem.groups.size(); ++g) {
    std::vector<ExactScaledOption>& group = scaled.groups.emplace_back();
    for (const ExactOption& o : problem.groups[g]) {
      ExactScaledOption& option = group.emplace_back();
      option.sums = {o.sums.dot / dot, o.sums.norm0_sq / norm0, o.sums.norm1_sq / norm1, {}};
      for (std::size_t k = 0; k < kExactCosts; ++k) {
        if (scaled.capped[k]) option.sums.cost[k] = double(o.cost[k] - cheapest[g][k]) / double(range[k]);
      }
      option.cost = o.cost;
      option.index = int(&o - problem.groups[g].data());
    }
  }
  // Every sum below has a few operations per group, none larger than this.
  scaled.rounding = 8.0 * double(scaled.groups.size() + 8) * std::numeric_limits<double>::epsilon();
  scaled.largest_sum = 2.0 + 2.0 / std::sqrt(std::min(scaled.smallest_norm0, scaled.smallest_norm1));
  scaled.slack = std::max(kCosSlack * scaled.smallest_norm, scaled.rounding * (scaled.largest_sum + 8.0));
  return scaled;
}

}  // namespace rlnas
