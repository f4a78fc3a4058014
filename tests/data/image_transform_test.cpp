#include "data/image_transform.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/data/image_writer.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

RandomStream stream(int image) {
  return {5, "test", 0, std::uint64_t(image)};
}

bool inside(const PixelBox& box, ImageSize image) {
  return box.top >= 0 && box.left >= 0 && box.top + box.height <= image.height &&
         box.left + box.width <= image.width;
}

Bytes transformed(const Bytes& file, const ImageTransform& transform, int image,
                  AugmentParams* params = nullptr) {
  RandomStream random = stream(image);
  TransformScratch scratch;
  Bytes output(std::size_t(transform.size) * std::size_t(transform.size) * 3);
  const AugmentParams drawn = transform_image(file, transform, random, scratch, output.data());
  if (params != nullptr) *params = drawn;
  return output;
}

// Photographs are smooth with edges: blobs and straight borders, at several scales.
std::uint32_t scene(int y, int x) {
  const double wave = std::sin(x * 0.031) + std::sin(y * 0.047) + 0.5 * std::sin((x + 2 * y) * 0.13);
  const int base = 110 + int(35 * wave), edge = (x / 90 + y / 70) % 2 == 0 ? 40 : -30;
  const auto level = [&](int shift) { return std::uint32_t(std::clamp(base + edge + shift, 0, 255)); };
  return level(20) << 16 | level(0) << 8 | level(-25);
}

}  // namespace

TEST_CASE("the area crop is a square of 8 to 100% of the area, inside where it can be") {
  const ImageTransform transform = published_training_transform(224);
  const ImageSize image{375, 500};
  double sum = 0.0;
  int outside = 0;
  constexpr int kDraws = 4000;
  for (int i = 0; i < kDraws; ++i) {
    RandomStream random = stream(i);
    const PixelBox box = draw_crop(transform, image, random).box;
    REQUIRE(box.height == box.width);
    const double area = double(box.height) * box.width / (375.0 * 500.0);
    REQUIRE(area > 0.078);
    REQUIRE(area < 1.003);
    sum += area;
    outside += inside(box, image) ? 0 : 1;
  }
  // 25% of the squares do not fit and are drawn again, so that areas are uniform over .08 to .75.
  CHECK(sum / kDraws == doctest::Approx(0.415).epsilon(0.03));
  CHECK(outside == 0);
}

TEST_CASE("an area crop that never fits is black outside of the image") {
  const ImageSize image{20, 400};
  const ImageTransform transform = published_training_transform(32);
  int outside = 0;
  bool touches_both = false;
  for (int i = 0; i < 300; ++i) {
    RandomStream random = stream(i);
    const PixelBox box = draw_crop(transform, image, random).box;
    if (inside(box, image)) continue;
    ++outside;
    CHECK(box.top <= 0);
    CHECK(box.top + box.height >= image.height);
    touches_both = touches_both || (box.top < 0 && box.top + box.height > image.height);
  }
  CHECK(outside > 250);
  CHECK(touches_both);

  ImageTransform plain = transform;
  plain.lighting = Lighting::none;
  const Bytes file = make_png(20, 400, PngColor::rgb, [](int, int) { return 0xc8c8c8u; });
  int black_rows = 0, lit_rows = 0;
  const Bytes output = transformed(file, plain, 1);
  for (std::size_t y = 0; y < 32; ++y) {
    const auto row = output.begin() + std::ptrdiff_t(y * 32 * 3);
    black_rows += std::all_of(row, row + 96, [](std::uint8_t v) { return v == 0; }) ? 1 : 0;
    lit_rows += std::all_of(row, row + 96, [](std::uint8_t v) { return v == 200; }) ? 1 : 0;
  }
  CHECK(black_rows > 5);
  CHECK(lit_rows > 1);
}

TEST_CASE("the resized crop has torchvision's areas and ratios, and its fall-back") {
  const ImageTransform transform = standard_training_transform(224);
  const ImageSize image{375, 500};
  double widest = 0.0, narrowest = 9.0, sum = 0.0;
  constexpr int kDraws = 4000;
  for (int i = 0; i < kDraws; ++i) {
    RandomStream random = stream(i);
    const PixelBox box = draw_crop(transform, image, random).box;
    REQUIRE(inside(box, image));
    const double ratio = double(box.width) / box.height;
    widest = std::max(widest, ratio);
    narrowest = std::min(narrowest, ratio);
    sum += double(box.width) * box.height / (375.0 * 500.0);
  }
  CHECK(widest == doctest::Approx(4.0 / 3.0).epsilon(0.02));
  CHECK(narrowest == doctest::Approx(3.0 / 4.0).epsilon(0.02));
  CHECK(sum / kDraws > 0.42);
  CHECK(sum / kDraws < 0.52);
  // Ratios of a strip cannot be met: torchvision takes the middle, of the nearest ratio.
  RandomStream random = stream(0);
  const PixelBox strip = draw_crop(transform, {10, 400}, random).box;
  CHECK(strip.height == 10);
  CHECK(strip.width == 13);
  CHECK(strip.left == 193);
  const PixelBox tower = draw_crop(transform, {400, 10}, random).box;
  CHECK(tower.width == 10);
  CHECK(tower.height == 13);
}

TEST_CASE("evaluation takes the middle of the image, its shorter side at 256") {
  RandomStream random = stream(0);
  const CropPlan plan = draw_crop(evaluation_transform(224, kUnitRange), {375, 500}, random);
  CHECK(plan.height == 256);
  CHECK(plan.width == 341);
  CHECK(plan.top == 16);
  CHECK(plan.left == 58);  // (341 - 224) / 2 = 58.5, rounded to even
  const CropPlan tall = draw_crop(evaluation_transform(224, kUnitRange), {1 << 27, 1}, random);
  CHECK(tall.width == 256);
  CHECK(tall.height > 1 << 27);
}

TEST_CASE("lighting follows the eigenvectors of ImageNet's colours") {
  double squares[3] = {0.0, 0.0, 0.0};
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    RandomStream random = stream(i);
    const auto change = draw_lighting(random);
    for (std::size_t c = 0; c < 3; ++c) squares[c] += change[c] * change[c];
  }
  const double expected[3] = {std::hypot(0.5675 * 0.2175, 0.7192 * 0.0188, 0.4009 * 0.0045),
                              std::hypot(0.5808 * 0.2175, 0.0045 * 0.0188, 0.8140 * 0.0045),
                              std::hypot(0.5836 * 0.2175, 0.6948 * 0.0188, 0.4203 * 0.0045)};
  for (int c = 0; c < 3; ++c)
    CHECK(std::sqrt(squares[c] / kDraws) == doctest::Approx(0.1 * expected[c]).epsilon(0.03));
}

TEST_CASE("half of the training images are flipped, on the device alone") {
  const Bytes file = make_png(30, 40, PngColor::rgb, scene);
  int flips = 0;
  ImageTransform still = standard_training_transform(16);
  still.flip = Flip::none;
  for (int i = 0; i < 400; ++i) {
    AugmentParams params;
    const Bytes output = transformed(file, standard_training_transform(16), i, &params);
    flips += params.flip;
    if (i < 5) CHECK(output == transformed(file, still, i));
  }
  CHECK(flips > 160);
  CHECK(flips < 240);
}

TEST_CASE("reducing a JPEG as it is decoded changes PIL's resize by little, where it is allowed") {
  const Bytes file = make_jpeg(900, 1200, JpegColor::rgb, scene, {.quality = 90});
  ImageTransform exact = standard_training_transform(64);
  ImageTransform reduced = exact;
  reduced.reduction = JpegReduction::allowed;
  double worst_mean = 0.0;
  int different = 0;
  for (int i = 0; i < 40; ++i) {
    const Bytes a = transformed(file, exact, i), b = transformed(file, reduced, i);
    double sum = 0.0;
    for (std::size_t k = 0; k < a.size(); ++k) sum += std::abs(int(a[k]) - int(b[k]));
    worst_mean = std::max(worst_mean, sum / double(a.size()));
    different += a != b ? 1 : 0;
  }
  MESSAGE("worst mean difference of an image: ", worst_mean);
  CHECK(different > 20);
  CHECK(worst_mean < 1.5);
  // Never where the filter looks at two pixels alone.
  ImageTransform published = published_training_transform(64), asked = published;
  asked.reduction = JpegReduction::allowed;
  CHECK(transformed(file, published, 3) == transformed(file, asked, 3));
}

TEST_CASE("images of one pixel and of extreme shapes") {
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 900}, {900, 1}, {2, 3}}) {
    const Bytes file = make_png(height, width, PngColor::rgb, [](int, int) { return 0x808080u; });
    for (int i = 0; i < 20; ++i) {
      CHECK(transformed(file, published_training_transform(16), i).size() == 768);
      CHECK(transformed(file, standard_training_transform(16), i) == Bytes(768, 0x80));
      CHECK(transformed(file, evaluation_transform(16, kUnitRange), i) == Bytes(768, 0x80));
    }
  }
}
