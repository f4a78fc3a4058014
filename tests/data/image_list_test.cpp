#include "data/image_list.h"

#include <doctest/doctest.h>

#include "data/image_check.h"
#include "tests/data/image_writer.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

Bytes png(int height, int width, std::uint32_t color) {
  return make_png(height, width, PngColor::rgb, [color](int, int) { return color; });
}

std::vector<std::string> paths(const ImageList& list) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < list.size(); ++i)
    all.push_back(list.path(i).substr(list.directory().size() + 1));
  return all;
}

}  // namespace

TEST_CASE("an image list has torchvision's order and labels") {
  const TempDir dir;
  for (const char* name : {"b/2.png", "b/10.JPEG", "a/x/1.png", "a/z.png", "a-b/1.webp", "a-b/2.PNG",
                           "B/1.bmp", "b/notes.txt", "b/.hidden.png", ".git/1.png", "loose.png"})
    dir.write(name, {'x'});
  const ImageList list = ImageList::scan(dir.path());
  CHECK(paths(list) == std::vector<std::string>{"B/1.bmp", "a/z.png", "a/x/1.png", "a-b/1.webp", "a-b/2.PNG",
                                                "b/10.JPEG", "b/2.png"});
  CHECK(list.class_names() == std::vector<std::string>{"B", "a", "a-b", "b"});
  const std::vector<std::int32_t> labels{0, 1, 1, 2, 2, 3, 3};
  CHECK(list.labels() == labels);
  for (std::size_t i = 0; i < list.size(); ++i) CHECK(list.label(i) == labels[i]);
  REQUIRE(list.skipped().size() == 1);
  CHECK(contains(list.skipped()[0], "loose.png: lies outside of the class folders"));
}

TEST_CASE("an image list of a flat folder") {
  const TempDir dir;
  for (const char* name : {"2.png", "1.jpg"}) dir.write(name, {'x'});
  const ImageList list = ImageList::scan(dir.path());
  CHECK(paths(list) == std::vector<std::string>{"1.jpg", "2.png"});
  CHECK(list.classes() == 1);
  CHECK(list.labels() == std::vector<std::int32_t>{0, 0});
}

TEST_CASE("an image list's fingerprint is of names, classes and bytes, wherever the folder lies") {
  const auto fingerprint = [](const TempDir& dir, int threads = 2) {
    return ImageList::scan(dir.path()).fingerprint(threads);
  };
  const TempDir one, two, three;
  for (const TempDir* dir : {&one, &two}) {
    for (const char* name : {"a/1.png", "b/2.png"}) dir->write(name, {'x'});
  }
  for (const char* name : {"a/1.png", "a/2.png", "b/2.png"}) three.write(name, {'x'});
  const DataFingerprint first = fingerprint(one);
  CHECK(first.images == 2);
  CHECK(first == fingerprint(two, 1));
  CHECK(first.listing != fingerprint(three).listing);
  CHECK(first.contents != fingerprint(three).contents);

  two.write("b/2.png", {'y'});  // of the same size
  CHECK(first.listing == fingerprint(two).listing);
  CHECK(first.contents != fingerprint(two).contents);
  const DataFingerprint other_byte = fingerprint(two);
  two.write("b/2.png", {});
  CHECK(first.contents != fingerprint(two).contents);
  CHECK(other_byte.contents != fingerprint(two).contents);
  const DataFingerprint empty = fingerprint(two);
  std::filesystem::remove(two / "b/2.png");
  std::filesystem::create_symlink(two / "nowhere", two / "b/2.png");
  CHECK(first.listing == fingerprint(two).listing);
  CHECK(empty.contents != fingerprint(two).contents);  // unreadable is not empty

  std::filesystem::rename(one / "a/1.png", one / "a/3.png");
  CHECK(first.images == fingerprint(one).images);
  CHECK(first.listing != fingerprint(one).listing);
  CHECK(first.contents != fingerprint(one).contents);
}

TEST_CASE(
    "of a large folder a sample of its files is read for the fingerprint, from the first to near the end") {
  const TempDir dir;
  constexpr std::size_t kFiles = 2 * ImageList::kSampledFiles;
  const auto name = [](std::size_t i) { return "a/" + std::to_string(10000 + i) + ".png"; };
  for (std::size_t i = 0; i < kFiles; ++i) dir.write(name(i), {'x'});
  const ImageList list = ImageList::scan(dir.path());
  const DataFingerprint before = list.fingerprint(2);
  for (const std::size_t sampled : {std::size_t{0}, std::size_t{1000}, kFiles - 2}) {
    dir.write(name(sampled), {'y'});
    CHECK(list.fingerprint(2) != before);
    dir.write(name(sampled), {'x'});
  }
  dir.write(name(1), {'y'});
  CHECK(list.fingerprint(2) == before);
}

TEST_CASE("an image list takes few bytes a file") {
  const TempDir dir;
  for (int i = 0; i < 2000; ++i)
    dir.write("n0144076" + std::to_string(i % 4) + "/n01440764_" + std::to_string(10000 + i) + ".JPEG", {});
  const ImageList list = ImageList::scan(dir.path());
  REQUIRE(list.size() == 2000);
  CHECK(list.memory_bytes() < 26 * list.size());
  CHECK(list.path(1999) == dir.path() + "/n01440763/n01440764_11999.JPEG");
}

TEST_CASE("image lists: what cannot be listed is an error") {
  const TempDir dir;
  const auto error = [&](const std::string& path) { return error_of([&] { ImageList::scan(path); }); };
  CHECK(is_error(error(dir.path() + "/none"), ErrorCode::data, {"no such directory"}));
  CHECK(is_error(error(dir.path()), ErrorCode::data, {"holds no .jpg"}));
  dir.write("a/1.png", {'x'});
  dir.write("b/notes.txt", {'x'});
  CHECK(is_error(error(dir.path()), ErrorCode::data, {"/b: holds no .jpg"}));
}

TEST_CASE("evaluation images have to be of the same classes") {
  const TempDir training, same, other;
  for (const TempDir* dir : {&training, &same, &other}) dir->write("a/1.png", {'x'});
  for (const TempDir* dir : {&training, &same}) dir->write("b/1.png", {'x'});
  other.write("c/1.png", {'x'});
  const ImageList list = ImageList::scan(training.path());
  check_same_classes(list, ImageList::scan(same.path()));
  CHECK(is_error(error_of([&] { check_same_classes(list, ImageList::scan(other.path())); }), ErrorCode::data,
                 {other.path(), "same classes", "b"}));
}

TEST_CASE("checking an image folder decodes every file and names the bad ones") {
  const TempDir dir;
  dir.write("a/1.png", png(10, 20, 0x0a1428));
  dir.write("a/2.png", png(30, 40, 0x0a1428));
  dir.write("a/3.jpg", {});
  dir.write("b/1.png", png(10, 20, 0x0a1428));
  Bytes cut = make_jpeg(64, 64, JpegColor::rgb, [](int y, int x) { return std::uint32_t(x * y); });
  cut.resize(cut.size() * 2 / 3);
  dir.write("b/2.jpg", cut);
  dir.write("b/3.png", {'G', 'I', 'F'});
  const ImageList list = ImageList::scan(dir.path());
  for (const int threads : {1, 3}) {
    const ImageCheck check = check_images(list, threads);
    CHECK(check.count == 3);
    CHECK(check.histogram == std::vector<std::size_t>{2, 1});
    CHECK(check.smallest.height == 10);
    CHECK(check.largest.width == 40);
    CHECK(check.mean[0] == doctest::Approx(10.0));
    CHECK(check.mean[2] == doctest::Approx(40.0));
    CHECK(check.std[1] == doctest::Approx(0.0));
    CHECK(check.checksum == list.fingerprint(1).contents);
    REQUIRE(check.bad.size() == 3);
    CHECK(contains(check.bad[0], dir.path() + "/a/3.jpg: empty file"));
    CHECK(contains(check.bad[1], dir.path() + "/b/2.jpg: bad JPEG"));
    CHECK(contains(check.bad[2], dir.path() + "/b/3.png: neither a JPEG nor a PNG"));
  }
}
