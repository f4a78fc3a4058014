// Parts of an image are, bit for bit, parts of the whole, whatever the JPEG's layout: this is what allows a
// crop to be decoded alone.
#include <doctest/doctest.h>

#include "data/image_codec.h"
#include "engine/philox.h"
#include "tests/data/image_writer.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

std::uint32_t noisy(int y, int x) {
  const std::uint32_t mixed = std::uint32_t(x / 3) * 73856093u ^ std::uint32_t(y / 2) * 19349663u;
  return (mixed * 2654435761u) >> 8;
}

RgbImage region(const Bytes& file, int reduction, const PixelBox& box) {
  RgbImage image;
  decode_reduced_region(file, reduction, box, image);
  return image;
}

bool is_part(const RgbImage& part, const RgbImage& whole, const PixelBox& box) {
  if (part.height != box.height || part.width != box.width) return false;
  const std::size_t row_bytes = std::size_t(box.width) * 3;
  for (int y = 0; y < box.height; ++y) {
    const std::size_t from =
        (std::size_t(box.top + y) * std::size_t(whole.width) + std::size_t(box.left)) * 3;
    if (!std::equal(part.pixels.begin() + std::ptrdiff_t(std::size_t(y) * row_bytes),
                    part.pixels.begin() + std::ptrdiff_t(std::size_t(y + 1) * row_bytes),
                    whole.pixels.begin() + std::ptrdiff_t(from)))
      return false;
  }
  return true;
}

void check_regions(const Bytes& file, int reduction, int rounds) {
  const ImageSize size = reduced_size(read_image_size(file), reduction);
  const RgbImage whole = region(file, reduction, {0, 0, size.height, size.width});
  RandomStream random(7, "regions", std::uint64_t(reduction));
  int wrong = 0;
  for (int round = 0; round < rounds; ++round) {
    PixelBox box;
    box.height = 1 + int(random.below(std::uint32_t(size.height)));
    box.width = 1 + int(random.below(std::uint32_t(size.width)));
    box.top = int(random.below(std::uint32_t(size.height - box.height + 1)));
    box.left = int(random.below(std::uint32_t(size.width - box.width + 1)));
    wrong += is_part(region(file, reduction, box), whole, box) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("a region of a JPEG is that part of the whole") {
  const JpegLayout layouts[] = {
      {.horizontal = 1, .vertical = 1},
      {.horizontal = 2, .vertical = 1},
      {.horizontal = 1, .vertical = 2},
      {.horizontal = 2, .vertical = 2},
      {.horizontal = 4, .vertical = 1},
      {.horizontal = 2, .vertical = 2, .progressive = true},
      {.horizontal = 1, .vertical = 1, .progressive = true},
      {.horizontal = 2, .vertical = 2, .restart_rows = 1},
      {.horizontal = 2, .vertical = 2, .quality = 30},
  };
  for (const JpegLayout& layout : layouts) {
    CAPTURE(layout.horizontal);
    CAPTURE(layout.vertical);
    CAPTURE(layout.progressive);
    const Bytes file = make_jpeg(117, 203, JpegColor::rgb, noisy, layout);
    for (const int reduction : {1, 2, 4, 8}) {
      CAPTURE(reduction);
      check_regions(file, reduction, 60);
    }
  }
  check_regions(make_jpeg(117, 203, JpegColor::grey, noisy), 1, 60);
  check_regions(make_jpeg(117, 203, JpegColor::adobe_cmyk, noisy), 1, 60);
}

TEST_CASE("a region of a PNG is that part of the whole") {
  check_regions(make_png(50, 70, PngColor::rgb, noisy), 1, 30);
  check_regions(make_png(50, 70, PngColor::interlaced, noisy), 1, 30);
}

TEST_CASE("a file cut short is seen whatever the region, damage to a header is an error") {
  const auto error = [](const Bytes& file) { return error_of([&] { region(file, 1, {0, 0, 4, 4}); }); };
  for (const bool progressive : {false, true}) {
    const Bytes whole = make_jpeg(90, 110, JpegColor::rgb, noisy, {.progressive = progressive});
    CHECK(error(whole) == "no error");
    for (std::size_t cut = 1; cut < whole.size(); cut += whole.size() / 40) {
      const Bytes part(whole.begin(), whole.end() - std::ptrdiff_t(cut));
      CAPTURE(cut);
      CHECK(error(part).starts_with("3: "));
    }
  }
  Bytes png = make_png(20, 20, PngColor::rgb, noisy);
  CHECK(error(Bytes(png.begin(), png.begin() + 20)).starts_with("3: bad PNG"));
  CHECK(error(Bytes(png.begin(), png.end() - 30)).starts_with("3: bad PNG"));
  png[16] = 0x7f;  // a width of two thousand million
  CHECK(is_error(error(png), ErrorCode::data, {"more than"}));
  png[12] = 'J';
  CHECK(is_error(error(png), ErrorCode::data, {"damaged header"}));
  CHECK(is_error(error({}), ErrorCode::data, {"empty file"}));
}

TEST_CASE("a JPEG that announces a huge image is refused") {
  Bytes file = make_jpeg(32, 32, JpegColor::rgb, noisy);
  for (std::size_t i = 0; i + 8 < file.size(); ++i) {
    if (file[i] != 0xff || file[i + 1] != 0xc0)
      continue;  // the frame header: length, precision, height, width
    for (std::size_t k = 5; k < 9; ++k) file[i + k] = 0xf0;
    break;
  }
  CHECK(is_error(error_of([&] { read_image_size(file); }), ErrorCode::data, {"61680 x 61680", "more than"}));
}

TEST_CASE("a region outside of the image is refused") {
  const Bytes file = make_jpeg(16, 24, JpegColor::rgb, noisy);
  for (const PixelBox& box :
       {PixelBox{-1, 0, 4, 4}, PixelBox{0, 22, 4, 4}, PixelBox{13, 0, 4, 4}, PixelBox{0, 0, 0, 4}})
    CHECK(is_error(error_of([&] { region(file, 1, box); }), ErrorCode::run_failed, {"16 x 24"}));
}
