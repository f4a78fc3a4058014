#include <doctest/doctest.h>

#include "data/dataset.h"
#include "engine/crc32.h"
#include "tests/data/set_writer.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

void write_cifar10(const TempDir& dir, const std::string& folder, int per_batch) {
  for (int b = 0; b < 5; ++b) {
    dir.write(folder + "data_batch_" + std::to_string(b + 1) + ".bin",
              cifar_records(b * per_batch, per_batch, 1));
  }
}

std::string load_error(const std::string& text) {
  return error_of([&] { load_dataset(parse_data_spec(text), {}); });
}

}  // namespace

TEST_CASE("cifar10: order, layout and constants") {
  const TempDir dir;
  write_cifar10(dir, "", 3);
  const Dataset set = load_dataset(parse_data_spec("cifar10:" + dir.path()), {});
  REQUIRE(set.size() == 15);
  CHECK(set.height == 32);
  CHECK(set.width == 32);
  CHECK(set.classes == 10);
  CHECK(set.crop_padding == 4);
  CHECK(set.mean[0] == doctest::Approx(125.3));
  CHECK(set.std[2] == doctest::Approx(66.7));
  bool same = true;
  for (int i = 0; i < 15; ++i) {
    CHECK(set.labels[std::size_t(i)] == i % 10);
    for (int p = 0; p < 1024; ++p) {
      for (int c = 0; c < 3; ++c) same &= set.image(std::size_t(i))[3 * p + c] == pixel_of(i, c, p);
    }
  }
  CHECK(same);
  const std::uint32_t crc = crc32_of(set.images.data(), set.images.size());
  CHECK(set.checksum == crc32_of(set.labels.data(), set.labels.size() * 4, crc));
}

TEST_CASE("cifar10: the folder of the official archive is found") {
  const TempDir dir;
  write_cifar10(dir, "cifar-10-batches-bin/", 1);
  CHECK(load_dataset(parse_data_spec("cifar10:" + dir.path()), {}).size() == 5);
}

TEST_CASE("cifar: the test images, and the DARTS family's constants") {
  const TempDir dir;
  dir.write("test_batch.bin", cifar_records(4, 3, 1));
  dir.write("test.bin", cifar_records(7, 2, 2));
  LoadOptions options{.part = DataPart::test};
  const Dataset ten = load_dataset(parse_data_spec("cifar10:" + dir.path()), options);
  CHECK(ten.labels == std::vector<std::int32_t>{4, 5, 6});
  CHECK(ten.image(1)[4] == pixel_of(5, 1, 1));
  CHECK(ten.mean[0] == doctest::Approx(125.3));
  const Dataset hundred = load_dataset(parse_data_spec("cifar100:" + dir.path()), options);
  CHECK(hundred.labels == std::vector<std::int32_t>{7, 8});
  CHECK(hundred.std[1] == doctest::Approx(65.4));
  CHECK(is_error(load_error("cifar10:" + dir.path()), ErrorCode::data, {"data_batch_1.bin"}));

  options.cifar_constants = CifarConstants::darts;
  const Dataset darts = load_dataset(parse_data_spec("cifar10:" + dir.path()), options);
  CHECK(darts.images == ten.images);
  CHECK(darts.mean[0] / 255 == doctest::Approx(.49139968));
  CHECK(darts.mean[1] / 255 == doctest::Approx(.48215827));
  CHECK(darts.mean[2] / 255 == doctest::Approx(.44653124));
  CHECK(darts.std[0] / 255 == doctest::Approx(.24703233));
  CHECK(darts.std[1] / 255 == doctest::Approx(.24348505));
  CHECK(darts.std[2] / 255 == doctest::Approx(.26158768));
  CHECK(load_dataset(parse_data_spec("cifar100:" + dir.path()), options).mean == darts.mean);
}

TEST_CASE("cifar10: bad input ends in one clear line") {
  const TempDir dir;
  CHECK(
      is_error(load_error("cifar10:" + dir / "nowhere"), ErrorCode::data, {"nowhere", "no such directory"}));
  CHECK(is_error(load_error("cifar10:" + dir.path()), ErrorCode::data,
                 {"data_batch_1.bin", "cannot be opened"}));
  dir.write("data_batch_1", {0x80});
  CHECK(
      is_error(load_error("cifar10:" + dir.path()), ErrorCode::data, {"binary version", "data_batch_1.bin"}));
  write_cifar10(dir, "", 3);
  Bytes batch = cifar_records(6, 3, 1);

  SUBCASE("cut inside a record") {
    batch.resize(batch.size() - 100);
    dir.write("data_batch_3.bin", batch);
    CHECK(is_error(load_error("cifar10:" + dir.path()), ErrorCode::data, {"data_batch_3.bin", "truncated"}));
  }
  SUBCASE("cut between two records") {
    batch.resize(batch.size() - 3073);
    dir.write("data_batch_3.bin", batch);
    CHECK(is_error(load_error("cifar10:" + dir.path()), ErrorCode::data,
                   {"data_batch_3.bin", "2 records", "truncated"}));
  }
  SUBCASE("empty") {
    dir.write("data_batch_5.bin", {});
    CHECK(is_error(load_error("cifar10:" + dir.path()), ErrorCode::data, {"data_batch_5.bin", "truncated"}));
  }
  SUBCASE("label out of range") {
    batch[2 * 3073] = 10;
    dir.write("data_batch_3.bin", batch);
    CHECK(is_error(load_error("cifar10:" + dir.path()), ErrorCode::data,
                   {"data_batch_3.bin", "record 2", "label 10", "0..9"}));
  }
  SUBCASE("a directory in place of a file") {
    std::filesystem::remove(dir / "data_batch_2.bin");
    std::filesystem::create_directory(dir / "data_batch_2.bin");
    CHECK(is_error(load_error("cifar10:" + dir.path()), ErrorCode::data,
                   {"data_batch_2.bin", "is a directory"}));
  }
  SUBCASE("a file in place of the directory") {
    CHECK(is_error(load_error("cifar10:" + dir / "data_batch_1.bin"), ErrorCode::data, {"not a directory"}));
  }
}

TEST_CASE("cifar100: fine labels, and their range") {
  const TempDir dir;
  Bytes train = cifar_records(0, 101, 2);
  dir.write("train.bin", train);
  const Dataset set = load_dataset(parse_data_spec("cifar100:" + dir.path()), {});
  REQUIRE(set.size() == 101);
  CHECK(set.classes == 100);
  CHECK(set.labels[99] == 99);
  CHECK(set.labels[100] == 0);
  CHECK(set.image(7)[3 * 5 + 2] == pixel_of(7, 2, 5));
  CHECK(set.mean[1] == doctest::Approx(124.1));

  train[4 * 3074 + 1] = 100;
  dir.write("train.bin", train);
  CHECK(is_error(load_error("cifar100:" + dir.path()), ErrorCode::data,
                 {"train.bin", "record 4", "label 100"}));
}

TEST_CASE("check_data reports counts, classes and checksum") {
  const TempDir dir;
  write_cifar10(dir, "", 3);
  const DataSpec spec = parse_data_spec("cifar10:" + dir.path());
  const DataCheck check = check_data(spec, {});
  CHECK(check.name == "cifar10");
  CHECK(check.count == 15);
  CHECK(check.histogram == std::vector<std::size_t>{2, 2, 2, 2, 2, 1, 1, 1, 1, 1});
  CHECK(check.checksum == load_dataset(spec, {}).checksum);
  CHECK(check.first_bad.empty());
}
