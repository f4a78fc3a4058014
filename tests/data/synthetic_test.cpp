#include "data/synthetic.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/data/temp_dir.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

Dataset make(int count, std::uint64_t seed, int threads = 0, int size = 32) {
  return make_synthetic({.count = count, .size = size, .seed = seed, .threads = threads});
}

// Mean absolute difference of horizontal neighbours: small discs and stripes raise it.
double roughness(const Dataset& set, int label) {
  double sum = 0.0;
  int terms = 0;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (set.labels[i] != label) continue;
    for (int p = 0; p < 32 * 32; ++p) {
      if (p % 32 == 31) continue;
      sum += std::abs(int(set.image(i)[3 * p]) - int(set.image(i)[3 * p + 3]));
      ++terms;
    }
  }
  return sum / terms;
}

}  // namespace

TEST_CASE("synthetic: deterministic, also over threads and counts") {
  const Dataset set = make(200, 5, 1);
  CHECK(set.checksum == make(200, 5, 4).checksum);
  CHECK(set.checksum != make(200, 6).checksum);
  const Dataset more = make(300, 5);
  CHECK(std::equal(set.images.begin(), set.images.end(), more.images.begin()));
  CHECK(set.checksum == 0x346cfc82u);  // the same on every machine
}

TEST_CASE("synthetic: balanced classes that differ, images with edges and smooth parts") {
  const Dataset set = make(500, 0);
  CHECK(set.classes == 10);
  CHECK(set.crop_padding == 4);
  std::vector<int> histogram(10);
  for (const std::int32_t label : set.labels) ++histogram[std::size_t(label)];
  CHECK(histogram == std::vector<int>(10, 50));
  CHECK(roughness(set, 9) > 1.5 * roughness(set, 6));
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(set.mean[c] > 80);
    CHECK(set.mean[c] < 170);
    CHECK(set.std[c] > 30);
  }
  // No two images alike.
  for (std::size_t i = 10; i < set.size(); ++i) {
    CHECK_FALSE(std::equal(set.image(i), set.image(i) + set.image_bytes(), set.image(i - 10)));
  }
}

TEST_CASE("synthetic: the default set and its limits") {
  LoadOptions options;
  options.image_size = 16;
  const Dataset set = load_dataset(parse_data_spec("synthetic"), options);
  CHECK(set.size() == 10000);
  CHECK(set.height == 16);
  CHECK(load_dataset(parse_data_spec("synthetic:77"), options).size() == 77);
  CHECK(is_error(error_of([] { make(0, 0); }), ErrorCode::usage, {"synthetic:0"}));
  CHECK(is_error(error_of([] { make(1, 0, 0, 4); }), ErrorCode::usage, {"image size 4"}));
}
