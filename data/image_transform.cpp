#include "data/image_transform.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr int kTries = 10;
constexpr double kSmallestArea = 0.08;

int rounded(double value) {
  return int(std::nearbyint(value));  // halves to even, as Python's round()
}

double uniform(RandomStream& random, double low, double high) {
  return low + (high - low) * random.uniform_double();
}

// Uniform over all integers between 0 and `limit`, which may be negative.
int between_zero_and(RandomStream& random, int limit) {
  return std::min(limit, 0) + int(random.below(std::uint32_t(std::abs(limit)) + 1));
}

PixelBox draw_area_crop(ImageSize image, RandomStream& random) {
  PixelBox box;
  for (int i = 0; i < kTries; ++i) {
    const double area = double(image.height) * image.width * uniform(random, kSmallestArea, 1.0);
    box.height = box.width = std::max(1, rounded(std::sqrt(area)));
    box.left = between_zero_and(random, image.width - box.width);
    box.top = between_zero_and(random, image.height - box.height);
    if (box.height <= image.height && box.width <= image.width) break;
  }
  return box;
}

PixelBox draw_resized_crop(ImageSize image, RandomStream& random) {
  constexpr double kNarrowest = 3.0 / 4.0, kWidest = 4.0 / 3.0;
  PixelBox box;
  for (int i = 0; i < kTries; ++i) {
    const double area = double(image.height) * image.width * uniform(random, kSmallestArea, 1.0);
    const double ratio = std::exp(uniform(random, std::log(kNarrowest), std::log(kWidest)));
    box.width = rounded(std::sqrt(area * ratio));
    box.height = rounded(std::sqrt(area / ratio));
    if (box.width <= 0 || box.height <= 0 || box.width > image.width || box.height > image.height) continue;
    box.top = between_zero_and(random, image.height - box.height);
    box.left = between_zero_and(random, image.width - box.width);
    return box;
  }
  box.width = image.width;
  box.height = image.height;
  const double ratio = double(image.width) / image.height;
  if (ratio < kNarrowest) box.height = rounded(image.width / kNarrowest);
  if (ratio > kWidest) box.width = rounded(image.height * kWidest);
  box.top = (image.height - box.height) / 2;
  box.left = (image.width - box.width) / 2;
  return box;
}

CropPlan center_crop(ImageSize image, int size) {
  const int shorter = rounded(size * 256.0 / 224.0);
  const auto longer = [&](int numerator, int denominator) {
    return int(std::min(1e9, double(shorter) * numerator / denominator));  // of an image one pixel wide
  };
  CropPlan plan{.box = {0, 0, image.height, image.width}, .height = shorter, .width = shorter};
  if (image.width < image.height)
    plan.height = longer(image.height, image.width);
  else
    plan.width = longer(image.width, image.height);
  plan.top = rounded((plan.height - size) / 2.0);
  plan.left = rounded((plan.width - size) / 2.0);
  return plan;
}

int choose_reduction(const ImageTransform& transform, ImageBytes file, const CropPlan& plan) {
  int reduction = 1;
  if (transform.reduction == JpegReduction::never || transform.filter != ResizeFilter::pil_bilinear ||
      !can_reduce(file))
    return reduction;
  while (reduction < 8 && plan.box.height / (2 * reduction) >= 2 * plan.height &&
         plan.box.width / (2 * reduction) >= 2 * plan.width)
    reduction *= 2;
  return reduction;
}

// The pixels of `wanted`, black where it leaves the image.
const RgbImage& decode_padded(ImageBytes file, int reduction, ImageSize image, const PixelBox& wanted,
                              TransformScratch& scratch) {
  const int top = std::max(0, wanted.top), left = std::max(0, wanted.left);
  const int bottom = std::min(image.height, wanted.top + wanted.height);
  const int right = std::min(image.width, wanted.left + wanted.width);
  const PixelBox inside{top, left, std::max(0, bottom - top), std::max(0, right - left)};
  const bool sees_image = inside.height > 0 && inside.width > 0;
  if (sees_image) decode_reduced_region(file, reduction, inside, scratch.decoded);
  if (inside.height == wanted.height && inside.width == wanted.width) return scratch.decoded;
  RgbImage& padded = scratch.padded;
  padded.height = wanted.height;
  padded.width = wanted.width;
  padded.pixels.assign(std::size_t(wanted.height) * std::size_t(wanted.width) * 3, 0);
  const std::size_t row_bytes = std::size_t(inside.width) * 3;
  for (int y = 0; sees_image && y < inside.height; ++y) {
    const std::size_t row = std::size_t(y + top - wanted.top), column = std::size_t(left - wanted.left);
    std::copy_n(scratch.decoded.pixels.data() + std::size_t(y) * row_bytes, row_bytes,
                padded.pixels.data() + (row * std::size_t(wanted.width) + column) * 3);
  }
  return padded;
}

double normal(RandomStream& random) {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - random.uniform_double()));
  return radius * std::cos(2.0 * std::numbers::pi * random.uniform_double());
}

}  // namespace

ImageTransform published_training_transform(int size) {
  return {.size = size};
}

ImageTransform standard_training_transform(int size) {
  return {.crop = Crop::resized,
          .size = size,
          .filter = ResizeFilter::pil_bilinear,
          .lighting = Lighting::none,
          .normalisation = kImagenetNormalisation};
}

ImageTransform evaluation_transform(int size, const Normalisation& normalisation) {
  return {.crop = Crop::center,
          .size = size,
          .filter = ResizeFilter::pil_bilinear,
          .lighting = Lighting::none,
          .flip = Flip::none,
          .normalisation = normalisation};
}

CropPlan draw_crop(const ImageTransform& transform, ImageSize image, RandomStream& random) {
  if (transform.crop == Crop::center) return center_crop(image, transform.size);
  const bool area = transform.crop == Crop::area;
  return {.box = area ? draw_area_crop(image, random) : draw_resized_crop(image, random),
          .height = transform.size,
          .width = transform.size};
}

std::array<double, 3> draw_lighting(RandomStream& random) {
  constexpr double kSpread = 0.1;
  constexpr double kValues[] = {0.2175, 0.0188, 0.0045};
  constexpr double kVectors[3][3] = {
      {-0.5675, 0.7192, 0.4009}, {-0.5808, -0.0045, -0.8140}, {-0.5836, -0.6948, 0.4203}};
  std::array<double, 3> change{};
  for (int k = 0; k < 3; ++k) {
    const double amount = kSpread * normal(random) * kValues[k];
    for (std::size_t c = 0; c < 3; ++c) change[c] += kVectors[c][k] * amount;
  }
  return change;
}

void add_lighting(const std::array<double, 3>& change, std::uint8_t* pixels, std::size_t count) {
  std::uint8_t table[256][3];
  for (int value = 0; value < 256; ++value) {
    for (std::size_t c = 0; c < 3; ++c) {
      // The published code's roundings: float32 between the operations, cut off at the end.
      const float lit = float(double(float(value) / 255.0f) + change[c]) * 255.0f;
      table[value][c] = std::uint8_t(std::clamp(lit, 0.0f, 255.0f));
    }
  }
  for (std::size_t i = 0; i < count; ++i, pixels += 3) {
    for (std::size_t c = 0; c < 3; ++c) pixels[c] = table[pixels[c]][c];
  }
}

ImageDraws draw_transform(const ImageTransform& transform, ImageSize image, RandomStream& random) {
  ImageDraws draws{.image = image, .crop = draw_crop(transform, image, random)};
  if (transform.lighting == Lighting::pca) draws.lighting = draw_lighting(random);
  if (transform.flip == Flip::random) draws.params.flip = std::int16_t(random.below(2));
  return draws;
}

void apply_transform(ImageBytes file, const ImageTransform& transform, const ImageDraws& draws,
                     TransformScratch& scratch, std::uint8_t* output) {
  const CropPlan& plan = draws.crop;
  const int reduction = choose_reduction(transform, file, plan);
  const auto taps = [&](int offset, int length, int target, int first) {
    return make_taps({.offset = offset,
                      .length = length,
                      .target = target,
                      .first = first,
                      .count = transform.size,
                      .reduction = reduction},
                     transform.filter);
  };
  const AxisTaps rows = taps(plan.box.top, plan.box.height, plan.height, plan.top);
  const AxisTaps columns = taps(plan.box.left, plan.box.width, plan.width, plan.left);
  const PixelBox wanted{rows.begin, columns.begin, rows.end - rows.begin, columns.end - columns.begin};
  const RgbImage& source =
      decode_padded(file, reduction, reduced_size(draws.image, reduction), wanted, scratch);
  resample(source, rows, columns, transform.filter, scratch.resize, output);
  if (transform.lighting == Lighting::pca)
    add_lighting(draws.lighting, output, std::size_t(transform.size) * std::size_t(transform.size));
}

AugmentParams transform_image(ImageBytes file, const ImageTransform& transform, RandomStream& random,
                              TransformScratch& scratch, std::uint8_t* output) {
  const ImageDraws draws = draw_transform(transform, read_image_size(file), random);
  apply_transform(file, transform, draws, scratch, output);
  return draws.params;
}

}  // namespace rlnas
