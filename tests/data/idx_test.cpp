#include <doctest/doctest.h>
#include <zlib.h>

#include <cmath>

#include "data/dataset.h"
#include "tests/data/temp_dir.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

constexpr char kImages[] = "train-images-idx3-ubyte";
constexpr char kLabels[] = "train-labels-idx1-ubyte";

void push_u32(Bytes& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(std::uint8_t(value >> shift));
}

Bytes make_images(std::uint32_t count, std::uint32_t rows, std::uint32_t columns) {
  Bytes bytes;
  push_u32(bytes, 0x0803);
  for (const std::uint32_t dimension : {count, rows, columns}) push_u32(bytes, dimension);
  for (std::uint32_t i = 0; i < count * rows * columns; ++i) bytes.push_back(std::uint8_t(i * 13 + 1));
  return bytes;
}

Bytes make_labels(std::uint32_t count) {
  Bytes bytes;
  push_u32(bytes, 0x0801);
  push_u32(bytes, count);
  for (std::uint32_t i = 0; i < count; ++i) bytes.push_back(std::uint8_t(i % 10));
  return bytes;
}

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
  dir.write(kImages, make_images(3, 4, 4));
  dir.write(kLabels, make_labels(3));
  dir.write("t10k-images-idx3-ubyte.gz", gzip(make_images(12, 28, 28)));
  dir.write("t10k-labels-idx1-ubyte", make_labels(12));
  const DataSpec spec = parse_data_spec("idx:" + dir.path());
  CHECK(load_dataset(spec, {.part = DataPart::test}).size() == 12);
  CHECK(load_dataset(spec, {}).size() == 3);
}

TEST_CASE("idx: grey images are centred on 32x32 and repeated to three channels") {
  const TempDir dir;
  dir.write(kImages, make_images(12, 28, 28));
  dir.write(kLabels, make_labels(12));
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
  plain.write(kImages, make_images(12, 20, 31));
  plain.write(kLabels, make_labels(12));
  packed.write(std::string(kImages) + ".gz", gzip(make_images(12, 20, 31)));
  packed.write(std::string(kLabels) + ".gz", gzip(make_labels(12)));
  const Dataset a = load(plain), b = load(packed);
  CHECK(a.images == b.images);
  CHECK(a.labels == b.labels);
  CHECK(a.checksum == b.checksum);
}

TEST_CASE("idx: bad input ends in one clear line") {
  const TempDir dir;
  CHECK(is_error(load_error(dir), ErrorCode::data, {kImages, "no such file"}));
  dir.write(kLabels, make_labels(12));
  Bytes images = make_images(12, 28, 28);
  const std::string packed_name = std::string(kImages) + ".gz";

  SUBCASE("truncated") {
    images.pop_back();
    dir.write(kImages, images);
    CHECK(is_error(load_error(dir), ErrorCode::data, {kImages, "truncated"}));
  }
  SUBCASE("shorter than a header") {
    dir.write(kImages, {0, 0, 8, 3, 0});
    CHECK(is_error(load_error(dir), ErrorCode::data, {kImages, "truncated", "5 bytes"}));
  }
  SUBCASE("trailing bytes") {
    images.push_back(0);
    dir.write(kImages, images);
    CHECK(is_error(load_error(dir), ErrorCode::data, {kImages, "more than"}));
  }
  SUBCASE("wrong magic") {
    dir.write(kImages, make_labels(100));
    CHECK(is_error(load_error(dir), ErrorCode::data, {kImages, "magic number 00000801 instead of 00000803"}));
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
    dir.write(kImages, make_images(11, 28, 28));
    CHECK(is_error(load_error(dir), ErrorCode::data, {kLabels, "12 labels for 11 images"}));
  }
  SUBCASE("too large") {
    dir.write(kImages, make_images(12, 28, 33));
    CHECK(is_error(load_error(dir), ErrorCode::data, {kImages, "side 33"}));
  }
  SUBCASE("label out of range") {
    Bytes labels = make_labels(12);
    labels[8 + 5] = 200;
    dir.write(kImages, images);
    dir.write(kLabels, labels);
    CHECK(is_error(load_error(dir), ErrorCode::data, {kLabels, "record 5", "label 200"}));
  }
  SUBCASE("no images") {
    dir.write(kImages, make_images(0, 28, 28));
    dir.write(kLabels, make_labels(0));
    CHECK(is_error(load_error(dir), ErrorCode::data, {kImages, "no images"}));
  }
}

TEST_CASE("idx: Debian's Fashion-MNIST") {
  const std::string directory = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(directory)) {
    MESSAGE("skipped: the package dataset-fashion-mnist is not installed");
    return;
  }
  const DataCheck check = check_data(parse_data_spec("idx:" + directory), {});
  CHECK(check.count == 60000);
  CHECK(check.histogram == std::vector<std::size_t>(10, 6000));
  // Published mean and std of the 28x28 images, 0.2860 and 0.3530 of 255, thinned by the black border.
  const double mean = 0.2860406 * 255 * 784 / 1024;
  const double second = (0.3530242 * 0.3530242 + 0.2860406 * 0.2860406) * 255 * 255 * 784 / 1024;
  CHECK(check.mean[0] == doctest::Approx(mean).epsilon(1e-4));
  CHECK(check.std[0] == doctest::Approx(std::sqrt(second - mean * mean)).epsilon(1e-4));
}
