#include <doctest/doctest.h>

#include "data/dataset.h"
#include "tests/data/image_writer.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

Painter plain(std::uint32_t color) {
  return [color](int, int) { return color; };
}

// A plain image whose red tells which file it came from.
Bytes png_of(int red) {
  return make_png(20, 30, PngColor::rgb, plain(std::uint32_t(red) << 16));
}

std::vector<int> reds(const Dataset& set) {
  std::vector<int> values;
  for (std::size_t i = 0; i < set.size(); ++i) values.push_back(set.image(i)[0]);
  return values;
}

Dataset load(const TempDir& dir, const LoadOptions& options = {}) {
  return load_dataset(parse_data_spec("folder:" + dir.path()), options);
}

}  // namespace

TEST_CASE("folder: classes and files in torchvision's order") {
  const TempDir dir;
  dir.write("b/2.png", png_of(60));
  dir.write("b/10.png", png_of(50));
  dir.write("a/x/1.png", png_of(20));  // inside a sub-folder: after the class folder's own files
  dir.write("a/z.png", png_of(10));
  dir.write("a-b/1.png", png_of(30));
  dir.write("a-b/2.PNG", png_of(40));
  dir.write("B/1.jpeg", make_jpeg(16, 16, JpegColor::rgb, plain(0x050000)));
  dir.write("b/notes.txt", {'x'});
  dir.write("b/.hidden.png", {'x'});
  const Dataset set = load(dir);
  CHECK(set.classes == 4);  // B a a-b b
  const std::vector<int> order = reds(set);
  REQUIRE(order.size() == 7);
  CHECK(std::abs(order[0] - 5) <= 1);
  CHECK(std::vector<int>(order.begin() + 1, order.end()) == std::vector<int>{10, 20, 30, 40, 50, 60});
  CHECK(set.labels == std::vector<std::int32_t>{0, 1, 1, 2, 2, 3, 3});
  CHECK(set.skipped.empty());
  CHECK(set.height == 32);
  CHECK(set.crop_padding == 4);
  CHECK(set.mean[0] == doctest::Approx((order[0] + 210) / 7.0));
  CHECK(set.mean[1] == doctest::Approx(0.0));
  CHECK(set.std[1] == 1.0f);  // a constant channel
}

TEST_CASE("folder: flat, and another image size") {
  const TempDir dir;
  for (int i = 0; i < 5; ++i) dir.write(std::to_string(i) + ".png", png_of(i * 10));
  LoadOptions options;
  options.image_size = 16;
  const Dataset set = load(dir, options);
  CHECK(set.classes == 1);
  CHECK(set.height == 16);
  CHECK(set.crop_padding == 2);
  CHECK(reds(set) == std::vector<int>{0, 10, 20, 30, 40});
}

TEST_CASE("folder: bad files are skipped and listed, or fatal") {
  const TempDir dir;
  Bytes cut = make_jpeg(64, 64, JpegColor::rgb, [](int y, int x) { return std::uint32_t(y * x * 977); });
  cut.resize(cut.size() / 2);
  dir.write("a/1.png", png_of(10));
  dir.write("a/2.jpg", cut);
  dir.write("a/3.png", {});
  dir.write("a/4.png", png_of(20));
  dir.write("b/1.png", png_of(30));
  dir.write("stray.png", png_of(99));
  std::filesystem::create_symlink("nowhere.png", dir / "b/2.png");

  const Dataset set = load(dir);
  CHECK(reds(set) == std::vector<int>{10, 20, 30});
  CHECK(set.labels == std::vector<std::int32_t>{0, 0, 1});
  REQUIRE(set.skipped.size() == 4);
  CHECK(contains(set.skipped[0], "stray.png: lies outside"));
  CHECK(contains(set.skipped[1], "a/2.jpg: bad JPEG"));
  CHECK(contains(set.skipped[2], "a/3.png: empty file"));
  CHECK(contains(set.skipped[3], "b/2.png: cannot be opened"));

  LoadOptions strict;
  strict.bad_files = BadFiles::fatal;
  CHECK(is_error(error_of([&] { load(dir, strict); }), ErrorCode::data,
                 {"stray.png", "4 bad files", "--strict-data"}));

  const DataCheck check = check_data(parse_data_spec("folder:" + dir.path()), strict);
  CHECK(check.count == 3);
  CHECK(check.histogram == std::vector<std::size_t>{2, 1});
  CHECK(check.skipped == set.skipped);
  CHECK(check.first_bad == set.skipped[0]);
}

TEST_CASE("folder: the number of threads does not matter") {
  const TempDir dir;
  for (int i = 0; i < 40; ++i) {
    const auto paint = [i](int y, int x) { return std::uint32_t((y * 31 + x * i) * 7919); };
    dir.write(std::string(1, char('a' + i % 3)) + "/" + std::to_string(i) + ".jpg",
              make_jpeg(80 + i, 200 - i, JpegColor::rgb, paint));
  }
  LoadOptions one, four;
  one.threads = 1;
  four.threads = 4;
  CHECK(load(dir, one).checksum == load(dir, four).checksum);
}

TEST_CASE("folder: nothing to read is an error") {
  const TempDir dir;
  const auto error = [&](const LoadOptions& options = {}) { return error_of([&] { load(dir, options); }); };
  CHECK(is_error(error(), ErrorCode::data, {dir.path(), "holds no .jpg"}));
  dir.write("a/1.png", {'x'});
  CHECK(is_error(error(), ErrorCode::data, {dir.path(), "none of its 1 images", "a/1.png: neither"}));
  std::filesystem::create_directory(dir / "empty");
  CHECK(is_error(error(), ErrorCode::data, {"empty: holds no .jpg"}));
  LoadOptions huge;
  huge.image_size = 4096;
  CHECK(is_error(error(huge), ErrorCode::usage, {"image size 4096"}));
}
