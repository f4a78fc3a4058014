// Agreement of a score with accuracies over all architectures, those without dead operations, and within
// equal MACs.
#include "search/correlations.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "search/spaces.h"

using namespace rlnas;

TEST_CASE("an operation is live on a path from input to output, a chain has no others") {
  const Space& space = find_space("nasbench201");
  const auto live = [&](const char* arch) { return LiveOperations(space).only(space.parse(arch)); };
  CHECK(live("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"));
  CHECK(live("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"));
  CHECK_FALSE(live("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"));  // leads nowhere
  CHECK_FALSE(live("|none~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|none~1|none~2|"));  // carries nothing
  const Space& chain = find_space("mobilenet");
  CHECK(LiveOperations(chain).only(chain.largest()));
}

TEST_CASE("agreement within groups of equal MACs leaves out small groups, and what MACs know") {
  const Space& space = find_space("nasbench201");
  std::vector<Comparison::Item> items;
  std::vector<double> score, truth;
  const auto add = [&](int count, std::int64_t macs, double sign) {
    for (int i = 0; i < count; ++i) {
      items.push_back({genes_at(space, 15624 - std::int64_t(items.size())), macs});
      score.push_back(double(i));
      truth.push_back(sign * i + 1000.0 * double(macs));
    }
  };
  add(30, 1, 1.0);
  add(10, 2, -1.0);
  add(9, 3, -1.0);  // too few
  const Comparison comparison(space, items);
  CHECK(comparison.agreement(score, truth).equal_macs == doctest::Approx((30.0 - 10.0) / 40.0));
  std::vector<double> macs;
  for (const Comparison::Item& item : items) macs.push_back(double(item.macs));
  CHECK(comparison.agreement(macs, truth).equal_macs == 0.0);
  CHECK(comparison.agreement(macs, truth).all.kendall_tau_b > 0.5);

  score[3] = std::numeric_limits<double>::quiet_NaN();  // not known of all: of nothing can be said
  CHECK(std::isnan(comparison.agreement(score, truth).all.kendall_tau_b));
  const Comparison few(space, {items.begin(), items.begin() + 5});
  CHECK(std::isnan(few.agreement(std::span(macs).first(5), std::span(truth).first(5)).equal_macs));
}
