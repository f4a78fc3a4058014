// Rank correlations between two scores of the same items, O(n log n).
// Kendall's tau-b and Spearman's rho treat ties as ties; the published rank tau breaks them by position
// (method.md 8.2), which shifts it by about 0.02 on NAS-Bench-201.
#pragma once

#include <span>
#include <vector>

namespace rlnas {

// All three take two lists of one length n >= 2 without NaN. Errors: run_failed otherwise.
// tau-b and rho are NaN when either list is constant, as they are undefined there.
double kendall_tau_b(std::span<const double> x, std::span<const double> y);

// Both lists are ranked by a stable descending sort, then tau = 1 - 4 * inversions / (n (n - 1)).
double kendall_tau_rank(std::span<const double> x, std::span<const double> y);

// Pearson correlation of average ranks.
double spearman_rho(std::span<const double> x, std::span<const double> y);

struct RankCorrelation {
  double kendall_tau_b = 0.0;
  double kendall_tau_rank = 0.0;
  double spearman = 0.0;
};

RankCorrelation rank_correlation(std::span<const double> score, std::span<const double> truth);

// Positions of the items of x in descending order, equal items in their original order.
std::vector<int> stable_descending_order(std::span<const double> x);

}  // namespace rlnas
