#include "search/ranking.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include "kernels/check.h"

namespace rlnas {
namespace {

void check_lists(std::span<const double> x, std::span<const double> y) {
  RLNAS_CHECK(x.size() == y.size() && x.size() >= 2, run_failed, "rank correlation of lists of ", x.size(),
              " and ", y.size(), " items: need two of one length, at least 2");
  const auto is_nan = [](double v) { return std::isnan(v); };
  RLNAS_CHECK(std::none_of(x.begin(), x.end(), is_nan) && std::none_of(y.begin(), y.end(), is_nan),
              run_failed, "rank correlation of a list with NaN");
}

// Sorts items and returns how many pairs were in descending order (equal pairs do not count).
template <class T>
std::int64_t sort_counting_inversions(std::vector<T>& items) {
  std::vector<T> merged(items.size());
  std::int64_t inversions = 0;
  for (std::size_t width = 1; width < items.size(); width *= 2) {
    for (std::size_t begin = 0; begin < items.size(); begin += 2 * width) {
      const std::size_t middle = std::min(begin + width, items.size());
      const std::size_t end = std::min(begin + 2 * width, items.size());
      std::size_t left = begin, right = middle;
      for (std::size_t out = begin; out < end; ++out) {
        if (left < middle && (right == end || !(items[right] < items[left]))) {
          merged[out] = items[left++];
        } else {
          inversions += std::int64_t(middle - left);
          merged[out] = items[right++];
        }
      }
    }
    items.swap(merged);
  }
  return inversions;
}

// Pairs inside runs of equal neighbours of a sorted sequence of n items.
template <class Equal>
std::int64_t tied_pairs(std::size_t n, Equal equal) {
  std::int64_t pairs = 0, run = 1;
  for (std::size_t i = 1; i <= n; ++i) {
    if (i < n && equal(i - 1, i)) {
      ++run;
    } else {
      pairs += run * (run - 1) / 2;
      run = 1;
    }
  }
  return pairs;
}

std::vector<double> average_ranks(std::span<const double> x) {
  const std::vector<int> order = stable_descending_order(x);
  std::vector<double> ranks(x.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && x[std::size_t(order[end])] == x[std::size_t(order[begin])]) ++end;
    for (std::size_t i = begin; i < end; ++i) ranks[std::size_t(order[i])] = double(begin + end - 1) / 2.0;
    begin = end;
  }
  return ranks;
}

}  // namespace

std::vector<int> stable_descending_order(std::span<const double> x) {
  std::vector<int> order(x.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return x[std::size_t(a)] > x[std::size_t(b)]; });
  return order;
}

// Knight's algorithm: sort by (x, y), then every inversion of y is a discordant pair.
double kendall_tau_b(std::span<const double> x, std::span<const double> y) {
  check_lists(x, y);
  const std::size_t n = x.size();
  std::vector<std::pair<double, double>> pairs(n);
  for (std::size_t i = 0; i < n; ++i) pairs[i] = {x[i], y[i]};
  std::sort(pairs.begin(), pairs.end());
  const std::int64_t tied_x =
      tied_pairs(n, [&](std::size_t a, std::size_t b) { return pairs[a].first == pairs[b].first; });
  const std::int64_t tied_both =
      tied_pairs(n, [&](std::size_t a, std::size_t b) { return pairs[a] == pairs[b]; });
  std::vector<double> second(n);
  for (std::size_t i = 0; i < n; ++i) second[i] = pairs[i].second;
  const std::int64_t discordant = sort_counting_inversions(second);
  const std::int64_t tied_y =
      tied_pairs(n, [&](std::size_t a, std::size_t b) { return second[a] == second[b]; });

  const std::int64_t total = std::int64_t(n) * (std::int64_t(n) - 1) / 2;
  if (total == tied_x || total == tied_y) return std::numeric_limits<double>::quiet_NaN();
  const std::int64_t concordant = total - tied_x - tied_y + tied_both - discordant;
  return double(concordant - discordant) / std::sqrt(double(total - tied_x)) /
         std::sqrt(double(total - tied_y));
}

double kendall_tau_rank(std::span<const double> x, std::span<const double> y) {
  check_lists(x, y);
  const std::vector<int> order_x = stable_descending_order(x), order_y = stable_descending_order(y);
  std::vector<int> rank_y(y.size());
  for (std::size_t i = 0; i < order_y.size(); ++i) rank_y[std::size_t(order_y[i])] = int(i);
  std::vector<int> sequence(x.size());
  for (std::size_t i = 0; i < order_x.size(); ++i) sequence[i] = rank_y[std::size_t(order_x[i])];
  const std::int64_t inversions = sort_counting_inversions(sequence);
  const double n = double(x.size());
  return 1.0 - 4.0 * double(inversions) / (n * (n - 1.0));
}

double spearman_rho(std::span<const double> x, std::span<const double> y) {
  check_lists(x, y);
  const std::vector<double> rank_x = average_ranks(x), rank_y = average_ranks(y);
  const double mean = double(x.size() - 1) / 2.0;
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double dx = rank_x[i] - mean, dy = rank_y[i] - mean;
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  if (xx == 0 || yy == 0) return std::numeric_limits<double>::quiet_NaN();
  return xy / std::sqrt(xx * yy);
}

RankCorrelation rank_correlation(std::span<const double> score, std::span<const double> truth) {
  return {kendall_tau_b(score, truth), kendall_tau_rank(score, truth), spearman_rho(score, truth)};
}

}  // namespace rlnas
