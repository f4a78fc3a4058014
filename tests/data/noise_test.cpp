// --data noise: images that differ in nothing but chance.
#include <doctest/doctest.h>

#include <cmath>

#include "data/dataset.h"
#include "tests/support/errors.h"

using namespace rlnas;

namespace {

Dataset make(const char* spec, std::uint64_t seed, DataPart part = DataPart::training, int threads = 0) {
  LoadOptions options;
  options.part = part;
  options.seed = seed;
  options.image_size = 16;
  options.threads = threads;
  return load_dataset(parse_data_spec(spec), options);
}

}  // namespace

TEST_CASE(
    "noise: as many images as asked for, deterministic over threads, others for another seed and part") {
  const Dataset set = make("noise:60", 3, DataPart::training, 1);
  CHECK(set.size() == 60);
  CHECK(set.height == 16);
  CHECK(set.classes == 10);
  CHECK(set.checksum == make("noise:60", 3, DataPart::training, 4).checksum);
  CHECK(set.checksum != make("noise:60", 4).checksum);
  CHECK(set.checksum != make("noise:60", 3, DataPart::test).checksum);
  CHECK(make("noise", 3).size() == 10000);
  CHECK(test::contains(test::error_of(ErrorCode::usage, [] { parse_data_spec("noise:0"); }),
                       "is not a number of images"));
}

TEST_CASE("noise: neighbours, and images of a class, have nothing in common") {
  const Dataset set = make("noise:200", 0);
  double mean = 0.0, square = 0.0, neighbours = 0.0, images = 0.0;
  const std::size_t each = set.image_bytes(), count = set.size() * each;
  for (std::size_t i = 0; i < set.size(); ++i)
    for (std::size_t p = 0; p < each; ++p) {
      const double x = set.image(i)[p] - 128.0;
      mean += x / double(count);
      square += x * x / double(count);
      neighbours += p >= 3 ? x * (set.image(i)[p - 3] - 128.0) / double(count) : 0.0;
      images += i >= 10 ? x * (set.image(i - 10)[p] - 128.0) / double(count) : 0.0;
    }
  CHECK(std::abs(mean) < 1.0);
  CHECK(std::sqrt(square) == doctest::Approx(61.5).epsilon(0.02));  // 64, cut off
  CHECK(std::abs(neighbours) < 0.02 * square);
  CHECK(std::abs(images) < 0.02 * square);
}
