// Decoding, resizing and lighting against PIL, OpenCV and NumPy, bit for bit, and whole pipelines to the
// rounding of their normalisation (tests/golden/image_golden.py).
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "data/image_transform.h"
#include "kernels/backend.h"
#include "tests/data/temp_dir.h"
#include "tests/support/golden_dir.h"

using namespace rlnas;
using namespace rlnas::test;
using Json = nlohmann::json;

namespace {

const Json& golden() {
  static const Json read = Json::parse(std::ifstream(golden_file("image_golden.json")));
  return read;
}

Bytes from_hex(const std::string& text) {
  Bytes bytes;
  for (std::size_t i = 0; i < text.size(); i += 2)
    bytes.push_back(std::uint8_t(std::stoi(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

Bytes from_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  Bytes bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | std::uint32_t(digits.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(std::uint8_t(bits >> count));
  }
  return bytes;
}

std::vector<float> floats_from(const std::string& text) {
  const Bytes bytes = from_base64(text);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// A file of the golden's, by its name.
Bytes jpeg_named(const std::string& name) {
  for (const Json& test : golden()["jpeg"])
    if (test["name"] == name) return from_base64(test["file"]);
  FAIL("no such file in the golden: ", name);
  return {};
}

// The largest difference of what a backend makes of one image, `augment` being the trainer's but for its
// size, from the tensor of the golden.
float worst_difference(Backend& backend, AugmentSpec augment, const RgbImage& image,
                       const AugmentParams& params, const std::vector<float>& expected) {
  REQUIRE(expected.size() == image.pixels.size());
  augment.batch = 1;
  augment.height = image.height;
  augment.width = image.width;
  std::vector<float> tensor(expected.size());
  backend.run(
      AugmentImages{.spec = augment, .images = image.pixels.data(), .params = &params, .y = tensor.data()});
  float worst = 0.0f;
  for (std::size_t i = 0; i < tensor.size(); ++i) worst = std::max(worst, std::fabs(tensor[i] - expected[i]));
  return worst;
}

void check_tensor(const Normalisation& normalisation, int cutout, const RgbImage& image,
                  const AugmentParams& params, const std::vector<float>& expected) {
  AugmentSpec augment{.mean = normalisation.mean, .cutout = cutout};
  for (std::size_t c = 0; c < augment.inv_std.size(); ++c) augment.inv_std[c] = 1.0f / normalisation.std[c];
  // Dividing by 255 and by the deviation, or multiplying once; one level of a pixel is more than .004.
  constexpr float kTolerance = 1e-6f;
  CHECK(worst_difference(*make_ref_backend(), augment, image, params, expected) < kTolerance);
  CHECK(worst_difference(*make_cpu_backend({.threads = 1}), augment, image, params, expected) < kTolerance);
}

// pattern() of the script.
RgbImage pattern(int height, int width) {
  RgbImage image{height, width, {}};
  for (std::uint32_t y = 0; y < std::uint32_t(height); ++y) {
    for (std::uint32_t x = 0; x < std::uint32_t(width); ++x) {
      for (std::uint32_t c = 0; c < 3; ++c) {
        const std::uint32_t mixed = x * 73856093u ^ y * 19349663u ^ c * 83492791u;
        const std::uint32_t noise = mixed * 2654435761u >> 24, smooth = x * (3 + c) + y * (5 - c);
        image.pixels.push_back(std::uint8_t((x / 7 + y / 5) % 3 == 0 ? noise : smooth));
      }
    }
  }
  return image;
}

RgbImage part_of(const RgbImage& image, const PixelBox& box) {
  RgbImage part{box.height, box.width, {}};
  for (int y = 0; y < box.height; ++y) {
    const auto row =
        image.pixels.begin() +
        std::ptrdiff_t((std::size_t(box.top + y) * std::size_t(image.width) + std::size_t(box.left)) * 3);
    part.pixels.insert(part.pixels.end(), row, row + std::ptrdiff_t(box.width) * 3);
  }
  return part;
}

struct Window {
  int top = 0, left = 0, height = 0, width = 0;
};

Bytes resized(const RgbImage& image, const PixelBox& crop, int height, int width, const Window& window,
              ResizeFilter filter) {
  const AxisTaps rows = make_taps({.offset = crop.top,
                                   .length = crop.height,
                                   .target = height,
                                   .first = window.top,
                                   .count = window.height},
                                  filter);
  const AxisTaps columns = make_taps({.offset = crop.left,
                                      .length = crop.width,
                                      .target = width,
                                      .first = window.left,
                                      .count = window.width},
                                     filter);
  ResizeScratch scratch;
  Bytes output(std::size_t(window.height) * std::size_t(window.width) * 3);
  resample(part_of(image, {rows.begin, columns.begin, rows.end - rows.begin, columns.end - columns.begin}),
           rows, columns, filter, scratch, output.data());
  return output;
}

}  // namespace

TEST_CASE("the pattern is that of the script") {
  CHECK(pattern(6, 16).pixels == from_hex(golden()["pattern"]));
}

TEST_CASE("crop and resize as PIL and OpenCV do them, bit for bit") {
  for (const Json& test : golden()["resize"]) {
    const RgbImage image = pattern(test["image"][0], test["image"][1]);
    const PixelBox crop{test["crop"][0], test["crop"][1], test["crop"][2], test["crop"][3]};
    const int height = test["output"][0], width = test["output"][1];
    const Window all{0, 0, height, width};
    CAPTURE(test["crop"].dump());
    CAPTURE(test["output"].dump());
    const Bytes pil = from_hex(test["pil"]), opencv = from_hex(test["opencv"]);
    CHECK(resized(image, crop, height, width, all, ResizeFilter::pil_bilinear) == pil);
    CHECK(resized(image, crop, height, width, all, ResizeFilter::opencv_bilinear) == opencv);
  }
}

TEST_CASE("a window of a resize is that part of the whole") {
  const RgbImage image = pattern(33, 47);
  for (const ResizeFilter filter : {ResizeFilter::pil_bilinear, ResizeFilter::opencv_bilinear}) {
    const RgbImage whole{20, 60, resized(image, {2, 3, 29, 41}, 20, 60, {0, 0, 20, 60}, filter)};
    for (const Window& window : {Window{0, 0, 5, 7}, Window{3, 20, 11, 30}, Window{15, 50, 5, 10}}) {
      CHECK(resized(image, {2, 3, 29, 41}, 20, 60, window, filter) ==
            part_of(whole, {window.top, window.left, window.height, window.width}).pixels);
    }
  }
}

TEST_CASE("PCA lighting rounds as the published code does") {
  for (const Json& test : golden()["lighting"]) {
    Bytes pixels;
    for (int value = 0; value < 256; ++value) pixels.insert(pixels.end(), 3, std::uint8_t(value));
    add_lighting({test["change"][0], test["change"][1], test["change"][2]}, pixels.data(), 256);
    CHECK(pixels == from_hex(test["pixels"]));
  }
}

TEST_CASE("JPEGs decode and are evaluated as by PIL and torchvision's transforms") {
  for (const Json& test : golden()["jpeg"]) {
    CAPTURE(test["name"].get<std::string>());
    const Bytes file = from_base64(test["file"]);
    const ImageSize size = read_image_size(file);
    REQUIRE(size.height == test["height"].get<int>());
    REQUIRE(size.width == test["width"].get<int>());
    RgbImage image;
    decode_region(file, {0, 0, size.height, size.width}, image);
    Bytes rows;
    for (int y = 0; y < size.height; y += 5) {
      const Bytes row = part_of(image, {y, 0, 1, size.width}).pixels;
      rows.insert(rows.end(), row.begin(), row.end());
    }
    CHECK(rows == from_hex(test["pixels"]));

    TransformScratch scratch;
    RandomStream random(0, "unused");
    Bytes output(14 * 14 * 3);
    const AugmentParams params =
        transform_image(file, evaluation_transform(14, kUnitRange), random, scratch, output.data());
    CHECK(output == from_hex(test["evaluation"]));
    CHECK(params.flip == 0);
  }
}

TEST_CASE("whole pipelines, from a JPEG to the network's tensor, equal those of PIL and OpenCV") {
  for (const Json& test : golden()["pipeline"]) {
    CAPTURE(test["kind"].get<std::string>());
    CAPTURE(test["file"].get<std::string>());
    const Bytes file = jpeg_named(test["file"]);
    const int size = test["size"];
    ImageTransform transform = evaluation_transform(size, kImagenetNormalisation);
    if (test["kind"] == "area") transform = published_training_transform(size);
    if (test["kind"] == "resized") transform = standard_training_transform(size);
    ImageDraws draws{.image = read_image_size(file)};
    if (test["kind"] == "center") {
      RandomStream unused(0, "unused");
      draws = draw_transform(transform, draws.image, unused);
    } else {
      const int width = test["crop"].back();  // the area crop's is a square
      draws.crop = {
          .box = {test["crop"][0], test["crop"][1], test["crop"][2], width}, .height = size, .width = size};
      draws.params.flip = test["flip"].get<std::int16_t>();
    }
    if (test["kind"] == "area") draws.lighting = test["change"].get<std::array<double, 3>>();
    TransformScratch scratch;
    RgbImage image{size, size, Bytes(std::size_t(size) * std::size_t(size) * 3)};
    apply_transform(file, transform, draws, scratch, image.pixels.data());
    check_tensor(transform.normalisation, 0, image, draws.params, floats_from(test["tensor"]));
  }
}

TEST_CASE("shifted crop, flip, normalisation and cutout equal torchvision's, whichever comes first") {
  constexpr int kPadding = 2;
  for (const Json& test : golden()["shift"]) {
    CAPTURE(test.dump().substr(0, 80));
    const Normalisation darts = kDartsCifarNormalisation;
    Normalisation normalisation{test["mean"].get<std::array<float, 3>>(),
                                test["std"].get<std::array<float, 3>>()};
    const bool flips_first = test["first"] == "flip";
    AugmentParams params;
    params.flip = test["flip"].get<std::int16_t>();
    params.shift_y = std::int16_t(test["top"].get<int>() - kPadding);
    params.shift_x = std::int16_t(test["left"].get<int>() - kPadding);
    if (!flips_first) {
      // What data/batch_loader.h says of DARTS, which crops first.
      if (params.flip != 0) params.shift_x = std::int16_t(-params.shift_x);
      for (std::size_t c = 0; c < 3; ++c) {
        CHECK(darts.mean[c] == doctest::Approx(normalisation.mean[c]));
        CHECK(darts.std[c] == doctest::Approx(normalisation.std[c]));
      }
      normalisation = darts;
    }
    int cutout = 0;
    if (!test["cutout"].is_null()) {
      cutout = 6;
      params.cutout_y = test["cutout"][0].get<std::int16_t>();
      params.cutout_x = test["cutout"][1].get<std::int16_t>();
    }
    check_tensor(normalisation, cutout, pattern(10, 10), params, floats_from(test["tensor"]));
  }
}
