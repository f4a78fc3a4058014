// Philox against the published known answers, MT19937 against NumPy and Python.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "engine/mt19937.h"
#include "engine/philox.h"

namespace rlnas {

TEST_CASE("philox4x32-10 gives the known answers of Random123") {
  using Block = std::array<std::uint32_t, 4>;
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("streams differ by seed, name, step and index, and repeat by all four") {
  const auto first = [](RandomStream random) {
    return (std::uint64_t{random.next_u32()} << 32) | random.next_u32();
  };
  std::set<std::uint64_t> seen;
  for (const std::uint64_t seed : {0, 1})
    for (const char* name : {"path", "shuffle"})
      for (const std::uint64_t step : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32})
        for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32})
          seen.insert(first({seed, name, step, index}));
  CHECK(seen.size() == 2 * 2 * 3 * 3);
  CHECK(first({7, "a", 3, 4}) == first({7, "a", 3, 4}));
}

TEST_CASE("below is in range and even, uniform lies from 0 up to 1") {
  RandomStream random(3, "test");
  std::array<int, 7> counts{};
  for (int i = 0; i < 70000; ++i) ++counts[random.below(7)];
  for (const int count : counts) CHECK(std::abs(count - 10000) < 500);  // five standard deviations
  double mean = 0.0;
  for (int i = 0; i < 10000; ++i) {
    const float u = random.uniform();
    REQUIRE(u >= 0.0f);
    REQUIRE(u < 1.0f);
    mean += u / 10000.0;
  }
  CHECK(std::abs(mean - 0.5) < 0.015);
}

TEST_CASE("below is even where a multiplication alone would give every third number twice as often") {
  RandomStream random(0, "below");
  constexpr std::uint32_t kNumbers = 3u << 30;
  constexpr int kDraws = 9000;
  int thirds[3] = {};
  for (int i = 0; i < kDraws; ++i) {
    const std::uint32_t number = random.below(kNumbers);
    CHECK(number < kNumbers);
    ++thirds[number % 3];
  }
  for (const int count : thirds) CHECK(std::abs(count - kDraws / 3) < 200);  // 4.5 standard deviations
}

TEST_CASE("normal has mean 0, variance 1 and the tails of the bell curve") {
  RandomStream random(7, "normal");
  constexpr int kDraws = 100000;
  double sum = 0.0, square = 0.0;
  int beyond_two = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double z = random.normal();
    REQUIRE(std::isfinite(z));
    sum += z;
    square += z * z;
    beyond_two += std::abs(z) > 2.0;
  }
  CHECK(std::abs(sum / kDraws) < 0.015);
  CHECK(square / kDraws == doctest::Approx(1.0).epsilon(0.02));
  CHECK(double(beyond_two) / kDraws == doctest::Approx(0.0455).epsilon(0.05));
}

TEST_CASE("NumpyRandom equals numpy.random.RandomState") {
  // RandomState(0): randint(10, size=5), then random_sample(2).
  NumpyRandom random(0);
  for (const std::uint32_t expected : {5u, 0u, 3u, 3u, 7u}) CHECK(random.randint(10) == expected);
  CHECK(random.randint(1) == 0);
  CHECK(random.random_sample() == doctest::Approx(0.4236547993389047).epsilon(1e-15));
  CHECK(random.random_sample() == doctest::Approx(0.6458941130666561).epsilon(1e-15));
}

TEST_CASE("PythonRandom equals random.Random") {
  PythonRandom random(
      1021);  // r = Random(1021): [r._randbelow(1000) for _ in range(5)], then shuffle of range(8)
  for (const std::uint32_t expected : {543u, 520u, 182u, 578u, 251u}) CHECK(random.below(1000) == expected);
  std::vector<int> items(8);
  std::iota(items.begin(), items.end(), 0);
  random.shuffle(items);
  CHECK(items == std::vector<int>{0, 1, 2, 5, 6, 3, 7, 4});
  PythonRandom wide(std::uint64_t{1} << 40);  // a seed of two words
  CHECK(wide.next_u32() == 445128065u);
}

}  // namespace rlnas
