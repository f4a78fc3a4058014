#include <doctest/doctest.h>

#include <cstdlib>

#include "data/file_io.h"
#include "tests/data/set_writer.h"
#include "tests/support/skip.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

Dataset make_set(int count, int first_label) {
  Dataset set;
  set.name = "imagenet16";
  set.height = set.width = 16;
  set.classes = 120;
  for (int i = 0; i < count; ++i) {
    set.labels.push_back((first_label + i) % 120);
    for (int p = 0; p < 16 * 16 * 3; ++p) set.images.push_back(std::uint8_t(i * 91 + p * 3));
  }
  return set;
}

Dataset load(const std::string& argument) {
  return load_dataset(parse_data_spec("imagenet16:" + argument), {});
}
std::string load_error(const std::string& argument) {
  return error_of([&] { load(argument); });
}

}  // namespace

TEST_CASE("imagenet16: round trip, several files, a directory") {
  const TempDir dir;
  const Dataset a = make_set(7, 0), b = make_set(5, 117);
  dir.write("a.rlnas16", imagenet16_file(a));
  dir.write("b.part", imagenet16_file(b));
  const Dataset one = load(dir.path());
  CHECK(one.images == a.images);
  CHECK(one.labels == a.labels);
  CHECK(one.classes == 120);
  CHECK(one.crop_padding == 2);
  CHECK(one.mean[0] == doctest::Approx(122.68));
  CHECK(one.std[2] == doctest::Approx(65.09));
  const Dataset both = load(dir / "a.rlnas16" + "," + dir / "b.part");
  REQUIRE(both.size() == 12);
  CHECK(both.labels[7] == 117);
  CHECK(std::equal(b.images.begin(), b.images.end(), both.image(7)));
  dir.write("c.rlnas16", imagenet16_file(b));
  CHECK(is_error(load_error(dir.path()), ErrorCode::data, {"holds 2 *.rlnas16 files", "FILE,FILE"}));
}

TEST_CASE("imagenet16: bad input ends in one clear line") {
  const TempDir dir;
  const std::string path = dir / "a.rlnas16";
  CHECK(is_error(load_error(path), ErrorCode::data, {path, "cannot be opened"}));
  CHECK(is_error(load_error(dir.path()), ErrorCode::data, {"no *.rlnas16 file", "convert_imagenet16.py"}));
  dir.write("train_data_batch_1", Bytes(100, 0x80));
  CHECK(is_error(load_error(dir / "train_data_batch_1"), ErrorCode::data,
                 {"not an imagenet16 file", "convert_imagenet16.py"}));
  dir.write("a.rlnas16", imagenet16_file(make_set(7, 0)));
  const Bytes good = read_bytes(path);
  SUBCASE("truncated") {
    dir.write("a.rlnas16", Bytes(good.begin(), good.end() - 1));
    CHECK(is_error(load_error(path), ErrorCode::data, {path, "truncated"}));
  }
  SUBCASE("too long") {
    Bytes longer = good;
    longer.push_back(0);
    dir.write("a.rlnas16", longer);
    CHECK(is_error(load_error(path), ErrorCode::data, {path, "too long"}));
  }
  SUBCASE("another version") {
    Bytes other = good;
    other[8] = 2;
    dir.write("a.rlnas16", other);
    CHECK(is_error(load_error(path), ErrorCode::data, {path, "version 2"}));
  }
  SUBCASE("any flipped bit is noticed") {
    for (const std::size_t position :
         {std::size_t{3}, std::size_t{9}, std::size_t{12}, std::size_t{17}, std::size_t{24}, std::size_t{29},
          std::size_t{33}, std::size_t{500}, good.size() - 1}) {
      CAPTURE(position);
      Bytes flipped = good;
      flipped[position] ^= 0x10;
      dir.write("a.rlnas16", flipped);
      CHECK(is_error(load_error(path), ErrorCode::data, {path}));
    }
  }
  SUBCASE("files of different sets") {
    Dataset other = make_set(2, 0);
    other.classes = 121;
    dir.write("b.rlnas16", imagenet16_file(other));
    CHECK(
        is_error(load_error(path + "," + dir / "b.rlnas16"), ErrorCode::data, {"b.rlnas16", "121 classes"}));
  }
  SUBCASE("a label the header does not allow") {
    Dataset wrong = make_set(4, 0);
    wrong.labels[2] = 120;
    dir.write("a.rlnas16", imagenet16_file(wrong));
    CHECK(is_error(load_error(path), ErrorCode::data, {path, "record 2", "label 120"}));
  }
}

TEST_CASE("imagenet16: the converter script reads pickles as published") {
  const auto run = [](const std::string& arguments) {
    return std::system((RLNAS_TEST_PYTHON " " + arguments).c_str());
  };
  if (run("-c 'import numpy' 2>/dev/null") != 0) RLNAS_SKIP_TEST(RLNAS_TEST_PYTHON " has no numpy");
  const TempDir dir;
  const std::string script = std::string(RLNAS_SCRIPTS_DIR) + "/convert_imagenet16.py";
  // Ten batches of 30 images; image i has label i % 150 + 1 and the planar bytes (i + 5 * position) % 256.
  const std::string maker = dir / "make.py";
  const std::string code =
      "import pickle, sys, numpy as np\n"
      "for b in range(10):\n"
      "    i = np.arange(30 * b, 30 * b + 30)\n"
      "    data = ((i[:, None] + 5 * np.arange(768)) % 256).astype(np.uint8)\n"
      "    with open(f'{sys.argv[1]}/train_data_batch_{b + 1}', 'wb') as f:\n"
      "        pickle.dump({'data': data, 'labels': (i % 150 + 1).tolist(), 'mean': data.mean(0)}, f, "
      "protocol=2)\n";
  dir.write("make.py", Bytes(code.begin(), code.end()));
  REQUIRE(run(maker + " " + dir.path()) == 0);
  REQUIRE(run(script + " " + dir.path() + " " + dir / "set.rlnas16" + " >/dev/null") == 0);
  const Dataset set = load(dir.path());
  CHECK(set.classes == 120);
  REQUIRE(set.size() == 240);  // 300 images, labels 121..150 left out
  bool same = true;
  for (std::size_t k = 0; k < set.size(); ++k) {
    const std::size_t i = k < 120 ? k : k + 30;
    same &= set.labels[k] == std::int32_t(i % 150);
    for (std::size_t p = 0; p < 256; ++p) {
      for (std::size_t c = 0; c < 3; ++c) same &= set.image(k)[3 * p + c] == (i + 5 * (256 * c + p)) % 256;
    }
  }
  CHECK(same);
  REQUIRE(run(script + " " + dir.path() + " " + dir / "few.part --classes 3 >/dev/null") == 0);
  CHECK(load(dir / "few.part").labels == std::vector<std::int32_t>{0, 1, 2, 0, 1, 2});
  CHECK(run(script + " " + dir / "nowhere" + " " + dir / "x 2>/dev/null") != 0);
  CHECK(!std::filesystem::exists(dir / "x"));
}
