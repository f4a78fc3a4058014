#include "data/image_codec.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/philox.h"
#include "tests/data/image_writer.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

std::uint32_t smooth(int y, int x) {
  return std::uint32_t(y * 4) << 16 | std::uint32_t(x * 4) << 8 | std::uint32_t(y + x);
}
std::uint32_t grey_of(std::uint32_t color) {
  return (color >> 16) * 0x010101u;
}

// Largest channel difference between an image and what `paint` says.
int largest_difference(const RgbImage& image, const Painter& paint) {
  int largest = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int expected = int(paint(y, x) >> (16 - 8 * c) & 255);
        const int got =
            image.pixels[(std::size_t(y) * std::size_t(image.width) + std::size_t(x)) * 3 + std::size_t(c)];
        largest = std::max(largest, std::abs(got - expected));
      }
    }
  }
  return largest;
}

}  // namespace

TEST_CASE("PNG of every kind decodes exactly, alpha is dropped") {
  const Painter grey = [](int y, int x) { return grey_of(smooth(y, x)); };
  const Painter two_level = [](int y, int x) { return (y + x) % 3 == 0 ? 0xffffffu : 0u; };
  const Painter few = [](int y, int x) { return smooth(y / 8 * 8, x / 8 * 8); };
  const std::pair<PngColor, Painter> cases[] = {
      {PngColor::rgb, smooth},        {PngColor::grey, grey},         {PngColor::grey_alpha, grey},
      {PngColor::rgba, smooth},       {PngColor::palette, few},       {PngColor::grey_1_bit, two_level},
      {PngColor::rgb_16_bit, smooth}, {PngColor::interlaced, smooth},
  };
  for (const auto& [color, paint] : cases) {
    CAPTURE(int(color));
    const RgbImage image = decode_image(make_png(37, 53, color, paint), 32);
    REQUIRE(image.height == 37);
    REQUIRE(image.width == 53);
    CHECK(largest_difference(image, paint) == 0);
  }
}

TEST_CASE("JPEG in colour, grey and CMYK") {
  const Painter grey = [](int y, int x) { return grey_of(smooth(y, x)); };
  CHECK(largest_difference(decode_image(make_jpeg(37, 53, JpegColor::rgb, smooth), 32), smooth) < 12);
  CHECK(largest_difference(decode_image(make_jpeg(37, 53, JpegColor::grey, grey), 32), grey) < 6);
  CHECK(largest_difference(decode_image(make_jpeg(37, 53, JpegColor::adobe_cmyk, smooth), 32), smooth) < 12);
}

TEST_CASE("a large JPEG comes back reduced, but never below twice the wanted size") {
  const Bytes file = make_jpeg(300, 1000, JpegColor::rgb, [](int y, int x) { return smooth(y / 5, x / 17); });
  for (const auto& [wanted, height] : {std::pair{16, 38}, {32, 75}, {64, 150}, {128, 300}}) {
    CHECK(decode_image(file, wanted).height == height);
  }
}

TEST_CASE("damaged images are errors with a reason") {
  const auto error = [](const Bytes& bytes) { return error_of([&] { decode_image(bytes, 32); }); };
  Bytes jpeg = make_jpeg(64, 64, JpegColor::rgb, smooth), png = make_png(64, 64, PngColor::rgb, smooth);
  for (const double part : {0.1, 0.3, 0.6, 0.95}) {
    CAPTURE(part);
    CHECK(is_error(error(Bytes(jpeg.begin(), jpeg.begin() + long(part * double(jpeg.size())))),
                   ErrorCode::data, {"bad JPEG: "}));
    CHECK(is_error(error(Bytes(png.begin(), png.begin() + long(part * double(png.size())))), ErrorCode::data,
                   {"bad PNG: "}));
  }
  png[png.size() / 2] ^= 4;
  CHECK(is_error(error(png), ErrorCode::data, {"bad PNG: "}));
  CHECK(is_error(error({}), ErrorCode::data, {"empty file"}));
  CHECK(is_error(error({'G', 'I', 'F', '8'}), ErrorCode::data, {"neither a JPEG nor a PNG"}));
}

TEST_CASE("random damage never does worse than an error") {
  const Bytes files[] = {
      make_jpeg(48, 40, JpegColor::rgb, smooth),
      make_png(48, 40, PngColor::palette, [](int y, int x) { return smooth(y / 9, x / 9); })};
  RandomStream random(1, "damage");
  int refused = 0;
  for (int round = 0; round < 400; ++round) {
    Bytes bytes = files[round % 2];
    // Behind the dimensions, so that no case asks for a huge image.
    for (int i = 0; i < 8; ++i)
      bytes[200 + random.below(std::uint32_t(bytes.size() - 200))] = std::uint8_t(random.next_u32());
    const std::string message = error_of([&] { decode_image(bytes, 32); });
    if (message != "no error") {
      ++refused;
      CHECK(is_error(message, ErrorCode::data, {"bad "}));
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("resize: constants stay, equal size copies, integer reductions average") {
  RgbImage image{40, 64, Bytes(40 * 64 * 3, 77)};
  Bytes output(32 * 32 * 3);
  resize_to_square(image, 32, output.data());
  CHECK(output == Bytes(32 * 32 * 3, 77));

  RgbImage square{32, 32, {}};
  RandomStream random(1, "pixels");
  for (int i = 0; i < 32 * 32 * 3; ++i) square.pixels.push_back(std::uint8_t(random.next_u32()));
  resize_to_square(square, 32, output.data());
  CHECK(output == square.pixels);

  // A ramp keeps its slope away from the border: output pixel x lies at 4x + 1.5 of the source.
  RgbImage ramp{128, 128, {}};
  for (int y = 0; y < 128; ++y) {
    for (int x = 0; x < 128; ++x)
      ramp.pixels.insert(ramp.pixels.end(), {std::uint8_t(x), std::uint8_t(y), std::uint8_t(x + y)});
  }
  resize_to_square(ramp, 32, output.data());
  for (int i = 1; i < 31; ++i) {
    const std::uint8_t* pixel = output.data() + (std::size_t(i) * 32 + 5) * 3;
    CHECK(std::abs(pixel[0] - 21.5) <= 0.5);
    CHECK(std::abs(pixel[1] - (4 * i + 1.5)) <= 0.5);
    CHECK(std::abs(pixel[2] - (4 * i + 23)) <= 1);  // PIL rounds halves up, after each of the two passes
  }
}

TEST_CASE("resize enlarges by interpolation") {
  RgbImage image{2, 2, {0, 0, 0, 100, 100, 100, 0, 0, 0, 100, 100, 100}};
  Bytes output(8 * 8 * 3);
  resize_to_square(image, 8, output.data());
  int last = -1;
  for (std::size_t x = 0; x < 8; ++x) {
    CHECK(output[3 * x] >= last);
    last = output[3 * x];
  }
  CHECK(output[0] == 0);
  CHECK(output[21] == 100);
  CHECK(output[9] == 38);  // centre of pixel 3 lies at 1.25 of 0.5..1.5
}
