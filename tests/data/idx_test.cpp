#include <doctest/doctest.h>
#include <zlib.h>

#include <cmath>

#include "data/dataset.h"
#include "tests/data/set_writer.h"
#include "tests/support/skip.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

Bytes gzip(const Bytes& plain) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  Bytes packed(deflateBound(&stream, plain.size()) + 64);
  stream.next_in = const_cast<Bytef*>(plain.data());
  stream.avail_in = uInt(plain.size());
  stream.next_out = packed.data();
  stream.avail_out = uInt(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

Dataset load(const TempDir& dir) {
  return load_dataset(parse_data_spec("idx:" + dir.path()), {});
}
std::string load_error(const TempDir& dir) {
  return error_of([&] { load(dir); });
}

}  // namespace

TEST_CASE("idx: the test images") {
  const TempDir dir;
  dir.write(kIdxImages, idx_images(3, 4, 4));
  dir.write(kIdxLabels, idx_labels(3));
  dir.write("t10k-images-idx3-ubyte.gz", gzip(idx_images(12, 28, 28)));
  dir.write("t10k-labels-idx1-ubyte", idx_labels(12));
  const DataSpec spec = parse_data_spec("idx:" + dir.path());
  CHECK(load_dataset(spec, {.part = DataPart::test}).size() == 12);
  CHECK(load_dataset(spec, {}).size() == 3);
}

TEST_CASE("idx: grey images are centred on 32x32 and repeated to three channels") {
  const TempDir dir;
  dir.write(kIdxImages, idx_images(12, 28, 28));
  dir.write(kIdxLabels, idx_labels(12));
  const Dataset set = load(dir);
  REQUIRE(set.size() == 12);
  CHECK(set.height == 32);
  CHECK(set.classes == 10);
  CHECK(set.labels[11] == 1);
  const std::uint8_t* image = set.image(3);
  bool same = true;
  double sum = 0.0, sum_sq = 0.0;
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) {
      const bool inside = y >= 2 && y < 30 && x >= 2 && x < 30;
      const int expected = inside ? std::uint8_t((3 * 784 + (y - 2) * 28 + x - 2) * 13 + 1) : 0;
      for (int c = 0; c < 3; ++c) same &= image[(y * 32 + x) * 3 + c] == expected;
    }
  }
  CHECK(same);
  for (std::size_t i = 0; i < set.images.size(); i += 3) {
    sum += set.images[i];
    sum_sq += double(set.images[i]) * set.images[i];
  }
  const double mean = sum / (12 * 1024), std = std::sqrt(sum_sq / (12 * 1024) - mean * mean);
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(set.mean[c] == doctest::Approx(mean).epsilon(1e-6));
    CHECK(set.std[c] == doctest::Approx(std).epsilon(1e-6));
  }
}

TEST_CASE("idx: gzip files give the same data set") {
  const TempDir plain, packed;
  plain.write(kIdxImages, idx_images(12, 20, 31));
  plain.write(kIdxLabels, idx_labels(12));
  packed.write(std::string(kIdxImages) + ".gz", gzip(idx_images(12, 20, 31)));
  packed.write(std::string(kIdxLabels) + ".gz", gzip(idx_labels(12)));
  const Dataset a = load(plain), b = load(packed);
  CHECK(a.images == b.images);
  CHECK(a.labels == b.labels);
  CHECK(a.checksum == b.checksum);
}

TEST_CASE("idx: bad input ends in one clear line") {
  const TempDir dir;
  CHECK(is_error(load_error(dir), ErrorCode::data, {kIdxImages, "no such file"}));
  dir.write(kIdxLabels, idx_labels(12));
  Bytes images = idx_images(12, 28, 28);
  const std::string packed_name = std::string(kIdxImages) + ".gz";

  SUBCASE("truncated") {
    images.pop_back();
    dir.write(kIdxImages, images);
    CHECK(is_error(load_error(dir), ErrorCode::data, {kIdxImages, "truncated"}));
  }
  SUBCASE("shorter than a header") {
    dir.write(kIdxImages, {0, 0, 8, 3, 0});
    CHECK(is_error(load_error(dir), ErrorCode::data, {kIdxImages, "truncated", "5 bytes"}));
  }
  SUBCASE("trailing bytes") {
    images.push_back(0);
    dir.write(kIdxImages, images);
    CHECK(is_error(load_error(dir), ErrorCode::data, {kIdxImages, "more than"}));
  }
  SUBCASE("wrong magic") {
    dir.write(kIdxImages, idx_labels(100));
    CHECK(is_error(load_error(dir), ErrorCode::data,
                   {kIdxImages, "magic number 00000801 instead of 00000803"}));
  }
  SUBCASE("truncated gzip") {
    Bytes packed = gzip(images);
    packed.resize(packed.size() / 2);
    dir.write(packed_name, packed);
    CHECK(is_error(load_error(dir), ErrorCode::data, {packed_name, "truncated"}));
  }
  SUBCASE("bit flip in gzip") {
    Bytes packed = gzip(images);
    packed[packed.size() - 6] ^= 1;  // inside the stream's own CRC
    dir.write(packed_name, packed);
    CHECK(is_error(load_error(dir), ErrorCode::data, {packed_name, "damaged"}));
  }
  SUBCASE("counts differ") {
    dir.write(kIdxImages, idx_images(11, 28, 28));
    CHECK(is_error(load_error(dir), ErrorCode::data, {kIdxLabels, "12 labels for 11 images"}));
  }
  SUBCASE("too large") {
    dir.write(kIdxImages, idx_images(12, 28, 33));
    CHECK(is_error(load_error(dir), ErrorCode::data, {kIdxImages, "side 33"}));
  }
  SUBCASE("label out of range") {
    Bytes labels = idx_labels(12);
    labels[8 + 5] = 200;
    dir.write(kIdxImages, images);
    dir.write(kIdxLabels, labels);
    CHECK(is_error(load_error(dir), ErrorCode::data, {kIdxLabels, "record 5", "label 200"}));
  }
  SUBCASE("no images") {
    dir.write(kIdxImages, idx_images(0, 28, 28));
    dir.write(kIdxLabels, idx_labels(0));
    CHECK(is_error(load_error(dir), ErrorCode::data, {kIdxImages, "no images"}));
  }
}

TEST_CASE("idx: Debian's Fashion-MNIST") {
  const std::string directory = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(directory))
    RLNAS_SKIP_TEST("the package dataset-fashion-mnist is not installed");
  const DataCheck check = check_data(parse_data_spec("idx:" + directory), {});
  CHECK(check.count == 60000);
  CHECK(check.histogram == std::vector<std::size_t>(10, 6000));
  // Published mean and std of the 28x28 images, 0.2860 and 0.3530 of 255, thinned by the black border.
  const double mean = 0.2860406 * 255 * 784 / 1024;
  const double second = (0.3530242 * 0.3530242 + 0.2860406 * 0.2860406) * 255 * 255 * 784 / 1024;
  CHECK(check.mean[0] == doctest::Approx(mean).epsilon(1e-4));
  CHECK(check.std[0] == doctest::Approx(std::sqrt(second - mean * mean)).epsilon(1e-4));
}
