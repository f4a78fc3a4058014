#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "engine/philox.h"
#include "kernels/check.h"
#include "search/ranking.h"

using namespace rlnas;

namespace {

int sign(double x) {
  return (x > 0) - (x < 0);
}

double brute_tau_b(const std::vector<double>& x, const std::vector<double>& y) {
  double score = 0, untied_x = 0, untied_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const int dx = sign(x[i] - x[j]), dy = sign(y[i] - y[j]);
      score += dx * dy;
      untied_x += dx != 0;
      untied_y += dy != 0;
    }
  }
  return score / std::sqrt(untied_x * untied_y);
}

// a before b in a stable descending sort
bool before(const std::vector<double>& x, std::size_t a, std::size_t b) {
  return x[a] != x[b] ? x[a] > x[b] : a < b;
}

double brute_tau_rank(const std::vector<double>& x, const std::vector<double>& y) {
  double inversions = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) inversions += before(x, i, j) != before(y, i, j);
  }
  const double n = double(x.size());
  return 1 - 4 * inversions / (n * (n - 1));
}

std::vector<double> brute_ranks(const std::vector<double>& x) {
  std::vector<double> ranks(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < x.size(); ++j) ranks[i] += x[j] > x[i] ? 1.0 : x[j] == x[i] ? 0.5 : 0.0;
  }
  return ranks;
}

double brute_spearman(const std::vector<double>& x, const std::vector<double>& y) {
  const std::vector<double> a = brute_ranks(x), b = brute_ranks(y);
  double mean_a = 0, mean_b = 0, ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    mean_a += a[i] / double(a.size());
    mean_b += b[i] / double(b.size());
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace

TEST_CASE("rank correlations equal their definitions, with and without ties") {
  for (std::uint64_t trial = 0; trial < 60; ++trial) {
    RandomStream random(trial, "ranking");
    const std::size_t n = 2 + random.below(120);
    const std::uint32_t values = trial % 3 == 0 ? 1000000 : 2 + random.below(12);  // few values: many ties
    std::vector<double> x(n), y(n);
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = random.below(values);
      y[i] = trial % 2 == 0 ? double(random.below(values)) : x[i] + double(random.below(values / 2 + 1));
    }
    x[0] = 0, x[1] = 1, y[0] = 2, y[1] = 3;  // neither is constant
    CAPTURE(trial);
    CHECK(kendall_tau_b(x, y) == doctest::Approx(brute_tau_b(x, y)).epsilon(1e-12));
    CHECK(kendall_tau_rank(x, y) == doctest::Approx(brute_tau_rank(x, y)).epsilon(1e-12));
    CHECK(spearman_rho(x, y) == doctest::Approx(brute_spearman(x, y)).epsilon(1e-12));
  }
}

TEST_CASE("rank correlations of an order, its reverse and a constant") {
  const std::vector<double> up{1, 2, 3, 4, 5}, down{5, 4, 3, 2, 1}, flat(5, 1.0);
  CHECK(kendall_tau_b(up, up) == doctest::Approx(1));
  CHECK(kendall_tau_b(up, down) == doctest::Approx(-1));
  CHECK(kendall_tau_rank(up, up) == 1);
  CHECK(kendall_tau_rank(up, down) == -1);
  CHECK(spearman_rho(up, down) == doctest::Approx(-1));
  CHECK(std::isnan(kendall_tau_b(up, flat)));
  CHECK(std::isnan(spearman_rho(flat, up)));
  CHECK(kendall_tau_rank(flat, down) == 1);  // ties fall in the order given, which is that of `down`
}

TEST_CASE("lists that cannot be ranked are refused") {
  const std::vector<double> two{1, 2}, one{1}, bad{1, std::numeric_limits<double>::quiet_NaN()};
  CHECK_THROWS_AS(kendall_tau_b(two, one), Error);
  CHECK_THROWS_AS(spearman_rho(one, one), Error);
  CHECK_THROWS_AS(kendall_tau_rank(two, bad), Error);
}
