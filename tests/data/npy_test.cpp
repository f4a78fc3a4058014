#include <doctest/doctest.h>

#include <cstdlib>

#include "data/dataset.h"
#include "tests/data/temp_dir.h"
#include "tests/support/skip.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

// As numpy.save writes it: the header padded with spaces to a multiple of 64 bytes.
Bytes npy(const std::string& type, const std::string& shape, const Bytes& values, int version = 1,
          const std::string& order = "False") {
  std::string header = "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
  const std::size_t preamble = version == 1 ? 10 : 12;
  while ((preamble + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string text = "\x93NUMPY";
  text += {char(version), '\0', char(header.size() & 0xff), char(header.size() >> 8)};
  if (version > 1) text += {'\0', '\0'};
  text += header;
  Bytes bytes(text.begin(), text.end());
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

Bytes pixels(std::size_t count) {
  Bytes values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = std::uint8_t(i * 7 + i / 192);
  return values;
}
constexpr std::size_t kImageBytes = 8 * 8 * 3;

Dataset load(const std::string& argument) {
  return load_dataset(parse_data_spec("npy:" + argument), {});
}
std::string load_error(const std::string& argument) {
  return error_of([&] { load(argument); });
}

}  // namespace

TEST_CASE("npy: images as they are, in all versions of the format, without labels one class") {
  const TempDir dir;
  const Bytes values = pixels(3 * kImageBytes);
  for (const int version : {1, 2, 3}) {
    const Dataset set = load(dir.write("x.npy", npy("|u1", "(3, 8, 8, 3)", values, version)));
    CHECK(set.name == "npy");
    CHECK(set.height == 8);
    CHECK(set.images == values);
    CHECK(set.labels == std::vector<std::int32_t>(3, 0));
    CHECK(set.classes == 1);
    CHECK(set.crop_padding == 1);
    double sum = 0.0;
    for (std::size_t i = 1; i < values.size(); i += 3) sum += values[i];
    CHECK(set.mean[1] == doctest::Approx(sum / double(values.size() / 3)));
    CHECK(set.checksum != 0);
  }
}

TEST_CASE("npy: labels of any width, classes are one more than the largest label") {
  const TempDir dir;
  const std::string images = dir.write("x.npy", npy("|u1", "(3, 8, 8, 3)", pixels(3 * kImageBytes)));
  const auto labels_of = [&](const std::string& type, const std::string& shape, const Bytes& values) {
    const Dataset set = load(images + "," + dir.write("y.npy", npy(type, shape, values)));
    CHECK(set.classes == 1 + *std::max_element(set.labels.begin(), set.labels.end()));
    return set.labels;
  };
  using Labels = std::vector<std::int32_t>;
  CHECK(labels_of("|u1", "(3,)", {4, 0, 255}) == Labels{4, 0, 255});
  CHECK(labels_of("|i1", "(3,)", {4, 0, 127}) == Labels{4, 0, 127});
  CHECK(labels_of("<u2", "(3, 1)", {4, 1, 0, 0, 255, 255}) == Labels{260, 0, 65535});
  CHECK(labels_of("<i4", "(3,)", {4, 1, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0}) == Labels{260, 0, 9});
  Bytes wide(24);
  wide[0] = 5, wide[17] = 2;
  CHECK(labels_of("<i8", "(3,)", wide) == Labels{5, 0, 512});
}

TEST_CASE("npy: bad images end in one clear line") {
  const TempDir dir;
  const Bytes one = pixels(kImageBytes);
  const auto error = [&](const Bytes& bytes) { return load_error(dir.write("x.npy", bytes)); };
  const auto expect = [&](const Bytes& bytes, const std::string& part) {
    CAPTURE(part);
    const std::string text = error(bytes);
    CAPTURE(text);
    CHECK(is_error(text, ErrorCode::data, {dir / "x.npy", part}));
  };
  CHECK(is_error(load_error(dir / "none.npy"), ErrorCode::data, {"none.npy", "cannot be opened"}));
  CHECK(is_error(load_error("a,b,c"), ErrorCode::usage, {"--data npy", "3 files"}));
  expect(Bytes(300, 0x50), "not a .npy file");
  expect({}, "not a .npy file");
  expect(npy("|u1", "(1, 8, 8, 3)", one, 4), "version 4");
  expect(npy("<f4", "(1, 8, 8, 3)", pixels(4 * kImageBytes)), "type <f4");
  expect(npy(">i4", "(1, 8, 8, 3)", pixels(4 * kImageBytes)), "type >i4");
  expect(npy("<i4", "(1, 8, 8, 3)", pixels(4 * kImageBytes)), "images are [N, H, W, 3] of type |u1");
  expect(npy("|u1", "(1, 3, 8, 8)", one), "an array [1, 3, 8, 8]");
  expect(npy("|u1", "(1, 8, 4, 6)", one), "square");
  expect(npy("|u1", "(3, 4, 4, 4)", one), "square");
  expect(npy("|u1", "(8, 8, 3)", one), "an array [8, 8, 3]");
  expect(npy("|u1", "(1, 4, 4, 3)", pixels(48)), "8 to 512 pixels");
  expect(npy("|u1", "(0, 8, 8, 3)", {}), "holds no images");
  expect(npy("|u1", "(1, 8, 8, 3)", one, 1, "True"), "Fortran's order");
  expect(npy("|u1", "(2, 8, 8, 3)", one), "truncated");
  expect(npy("|u1", "(1, 8, 8, 3)", pixels(kImageBytes + 1)), "too long");
  expect(npy("|u1", "(4294967296, 4294967296, 4294967296, 3)", one), "truncated");
  expect(npy("|u1", "(1, x, 8, 3)", one), "damaged header");
  expect(npy("|u1", "(1, 8, 8, 99999999999999999999)", one), "damaged header");
  expect(npy("|u1", "[1, 8, 8, 3]", one), "damaged header");
  const Bytes good = npy("|u1", "(1, 8, 8, 3)", one);
  for (std::size_t size = 0; size < good.size(); size += 5)
    CHECK(is_error(error({good.begin(), good.begin() + std::ptrdiff_t(size)}), ErrorCode::data,
                   {dir / "x.npy"}));
}

TEST_CASE("npy: bad labels end in one clear line") {
  const TempDir dir;
  const std::string images = dir.write("x.npy", npy("|u1", "(3, 8, 8, 3)", pixels(3 * kImageBytes)));
  const auto expect = [&](const Bytes& bytes, const std::string& part) {
    CHECK(is_error(load_error(images + "," + dir.write("y.npy", bytes)), ErrorCode::data,
                   {dir / "y.npy", part}));
  };
  expect(npy("|u1", "(2,)", {0, 1}), "labels [3] are needed");
  expect(npy("|u1", "(3, 2)", {0, 1, 2, 3, 4, 5}), "labels [3] are needed");
  expect(npy("|u1", "()", {0}), "labels [3] are needed");
  expect(npy("<f8", "(3,)", Bytes(24)), "type <f8");
  expect(npy("|i1", "(3,)", {0, 1, 255}), "record 2");
  expect(npy("<i2", "(3,)", {0, 0, 255, 255, 0, 0}), "record 1");
  expect(npy("<i8", "(3,)", Bytes(24, 255)), "record 0");
  expect(npy("<u4", "(3,)", {0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0}), "record 0");
}

TEST_CASE("npy: what NumPy itself saves") {
  const auto run = [](const std::string& arguments) {
    return std::system((RLNAS_TEST_PYTHON " " + arguments).c_str());
  };
  if (run("-c 'import numpy' 2>/dev/null") != 0) RLNAS_SKIP_TEST(RLNAS_TEST_PYTHON " has no numpy");
  const TempDir dir;
  const std::string code =
      "import sys, numpy as np\n"
      "np.save(sys.argv[1] + '/x.npy', np.arange(5 * 8 * 8 * 3).astype(np.uint8).reshape(5, 8, 8, 3))\n"
      "np.save(sys.argv[1] + '/y.npy', np.arange(5) * 3)\n";
  dir.write("make.py", Bytes(code.begin(), code.end()));
  REQUIRE(run(dir / "make.py " + dir.path()) == 0);
  const Dataset set = load(dir / "x.npy," + dir / "y.npy");
  CHECK(set.labels == std::vector<std::int32_t>{0, 3, 6, 9, 12});
  REQUIRE(set.images.size() == 5 * kImageBytes);
  for (std::size_t i = 0; i < set.images.size(); ++i) REQUIRE(set.images[i] == std::uint8_t(i));
}
