#include "data/random_labels.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "data/split.h"
#include "engine/crc32.h"
#include "tests/data/temp_dir.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

struct LabelGolden {
  const char* name;
  std::size_t count;
  int classes;
  std::uint64_t seed;
  int offset;  // added before comparing: the published ImageNet16-120 labels are 1-based
  std::vector<int> first;
  std::int64_t sum;
  std::uint32_t crc;  // of the labels as uint16 LE
};

// Drawn with numpy 1.24: np.random.seed(seed); np.random.randint(...).
const LabelGolden kGoldens[] = {
    {"CIFAR-10 seed 0",
     50000,
     10,
     0,
     0,
     {5, 0, 3, 3, 7, 9, 3, 5, 2, 4, 7, 6, 8, 8, 1, 6, 7, 7, 8, 1},
     224618,
     0xa25fe4c4},
    {"CIFAR-10 seed 1",
     50000,
     10,
     1,
     0,
     {5, 8, 9, 5, 0, 0, 1, 7, 6, 9, 2, 4, 5, 2, 4, 2, 4, 7, 7, 9},
     225827,
     0x5d93b749},
    {"CIFAR-100 seed 0",
     50000,
     100,
     0,
     0,
     {44, 47, 64, 67, 67, 9, 83, 21, 36, 87, 70, 88},
     2476919,
     0x72561946},
    {"ImageNet16-120 seed 0",
     151700,
     120,
     0,
     1,
     {45, 48, 118, 65, 68, 68, 104, 10, 84, 22, 115, 37},
     9206505,
     0xd016ead9},
    {"ImageNet seed 0",
     1281167,
     1000,
     0,
     0,
     {684, 559, 629, 192, 835, 763, 707, 359, 9, 723, 277, 754},
     640225591,
     0xf524f0c2},
};

}  // namespace

TEST_CASE("NumPy labels are the published ones, bit for bit") {
  for (const LabelGolden& golden : kGoldens) {
    CAPTURE(golden.name);
    std::vector<std::uint16_t> labels;
    for (const std::int32_t label :
         random_labels(golden.count, golden.classes, golden.seed, LabelSource::numpy)) {
      labels.push_back(std::uint16_t(label + golden.offset));
    }
    CHECK(std::vector<int>(labels.begin(), labels.begin() + std::ptrdiff_t(golden.first.size())) ==
          golden.first);
    CHECK(std::accumulate(labels.begin(), labels.end(), std::int64_t{0}) == golden.sum);
    CHECK(crc32_of(labels.data(), labels.size() * 2) == golden.crc);
  }
  std::vector<int> histogram(10);
  const auto labels = random_labels(50000, 10, 0, LabelSource::numpy);
  for (const std::int32_t label : labels) ++histogram[std::size_t(label)];
  CHECK(histogram == std::vector<int>{4959, 4978, 5011, 5026, 5077, 5096, 5024, 4954, 4945, 4930});
  CHECK(std::vector<std::int32_t>(labels.end() - 5, labels.end()) ==
        std::vector<std::int32_t>{1, 0, 6, 7, 1});
}

TEST_CASE("Philox labels: uniform, reproducible, a prefix of longer draws") {
  const auto labels = random_labels(50000, 10, 3, LabelSource::philox);
  CHECK(labels == random_labels(50000, 10, 3, LabelSource::philox));
  CHECK(labels != random_labels(50000, 10, 4, LabelSource::philox));
  const auto shorter = random_labels(1000, 10, 3, LabelSource::philox);
  CHECK(std::equal(shorter.begin(), shorter.end(), labels.begin()));
  std::vector<int> histogram(10);
  for (const std::int32_t label : labels) ++histogram.at(std::size_t(label));
  double chi_sq = 0.0;
  for (const int count : histogram) chi_sq += (count - 5000.0) * (count - 5000.0) / 5000.0;
  CHECK(chi_sq < 33.7);  // 9 degrees of freedom: one seed in 10,000 is above
}

TEST_CASE("label draws with few or many classes, and bad arguments") {
  CHECK(random_labels(5, 1, 0, LabelSource::numpy) == std::vector<std::int32_t>(5, 0));
  CHECK(random_labels(5, 1, 0, LabelSource::philox) == std::vector<std::int32_t>(5, 0));
  for (const std::int32_t label : random_labels(1000, 50000, 0, LabelSource::philox)) CHECK(label < 50000);
  CHECK(is_error(error_of([] { random_labels(5, 0, 0, LabelSource::philox); }), ErrorCode::usage,
                 {"--label-classes 0"}));
  CHECK(is_error(error_of([] { random_labels(5, 10, 1ull << 32, LabelSource::numpy); }), ErrorCode::usage,
                 {"--label-seed 4294967296"}));
  CHECK(random_labels(5, 10, 1ull << 32, LabelSource::philox).size() == 5);
}

TEST_CASE("the published CIFAR-10 split") {
  const IndexSplit split = cifar10_split();
  REQUIRE(split.train.size() == 25000);
  REQUIRE(split.valid.size() == 25000);
  CHECK(std::vector<std::uint32_t>(split.train.begin(), split.train.begin() + 11) ==
        std::vector<std::uint32_t>{0, 5, 7, 11, 13, 15, 16, 17, 20, 24, 26});
  CHECK(std::vector<std::uint32_t>(split.valid.begin(), split.valid.begin() + 10) ==
        std::vector<std::uint32_t>{1, 2, 3, 4, 6, 8, 9, 10, 12, 14});
  std::vector<std::uint32_t> all = split.train;
  all.insert(all.end(), split.valid.begin(), split.valid.end());
  std::sort(all.begin(), all.end());
  CHECK(all == all_indices(50000));
  CHECK(std::is_sorted(split.train.begin(), split.train.end()));
  CHECK(std::is_sorted(split.valid.begin(), split.valid.end()));
  // CRC-32 of the training half as uint32 LE, from Python's random.seed(1021);
  // random.shuffle(list(range(50000))).
  CHECK(crc32_of(split.train.data(), split.train.size() * 4) == 0x3c3bb34fu);
}
