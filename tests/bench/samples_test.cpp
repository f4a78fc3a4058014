// When a benchmark has enough samples, and what is said of them.
#include "bench/samples.h"

#include <doctest/doctest.h>

namespace rlnas::bench::test {
namespace {

// After how many samples 1 + noise, 1 - noise, 1 + noise ... s the rule is content, each `pause_s` after the
// other.
int samples_until_enough(double noise, double pause_s, const StopRule& rule) {
  Samples samples;
  int count = 0;
  while (!samples.enough(rule, pause_s * count) && count < 10'000) {
    samples.add(1.0 + (count % 2 == 0 ? noise : -noise));
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("samples: never fewer than asked for, and no more where noise is low") {
  CHECK(samples_until_enough(0.001, 1e-9, {.least_samples = 10}) == 10);
  CHECK(samples_until_enough(0.001, 100.0, {.least_samples = 7}) == 7);
}

TEST_CASE("samples: noise that stays high stops when its estimate is steady, or when time is up") {
  const int steady = samples_until_enough(0.2, 1e-9, {});
  CHECK(steady >= 64);
  CHECK(steady < 200);
  CHECK(samples_until_enough(0.2, 0.1, {.most_s = 2.0}) == 20);
  CHECK(samples_until_enough(0.2, 1e-9, {.enough_noise = 0.3}) == 10);
}

TEST_CASE("samples: quantiles and noise of known times") {
  Samples samples;
  for (int i = 100; i >= 0; --i) samples.add(double(i) + 1.0);  // 1 .. 101
  const Summary summary = samples.summary();
  CHECK(summary.samples == 101);
  CHECK(summary.median_s == 51.0);
  CHECK(summary.p5_s == 6.0);
  CHECK(summary.p95_s == 96.0);
  CHECK(summary.fastest_s == 1.0);
  CHECK(summary.noise == doctest::Approx(29.1547594742265 / 51.0));  // sqrt((101^2 - 1) / 12)
}

}  // namespace rlnas::bench::test
