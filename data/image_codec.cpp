#include "data/image_codec.h"

#include <algorithm>

#include "data/resample.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

enum class Kind { jpeg, png };

Kind kind_of(ImageBytes file) {
  constexpr std::uint8_t kJpegStart[] = {0xff, 0xd8, 0xff};
  constexpr std::uint8_t kPngStart[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  const auto begins_with = [&](ImageBytes start) {
    return file.size() >= start.size() && std::equal(start.begin(), start.end(), file.begin());
  };
  if (begins_with(kJpegStart)) return Kind::jpeg;
  if (begins_with(kPngStart)) return Kind::png;
  fail(ErrorCode::data, file.empty() ? "empty file" : "neither a JPEG nor a PNG file");
}

void copy_box(const RgbImage& whole, const PixelBox& box, RgbImage& image) {
  const std::size_t row_bytes = std::size_t(box.width) * 3;
  image.height = box.height;
  image.width = box.width;
  image.pixels.resize(std::size_t(box.height) * row_bytes);
  for (int y = 0; y < box.height; ++y) {
    const std::size_t from =
        (std::size_t(box.top + y) * std::size_t(whole.width) + std::size_t(box.left)) * 3;
    std::copy_n(whole.pixels.data() + from, row_bytes, image.pixels.data() + std::size_t(y) * row_bytes);
  }
}

}  // namespace

ImageSize read_image_size(ImageBytes file) {
  const ImageSize size = kind_of(file) == Kind::jpeg ? read_jpeg_size(file) : read_png_size(file);
  RLNAS_CHECK(std::uint64_t(size.height) * std::uint64_t(size.width) <= kMaxPixels, data, size.height, " x ",
              size.width, " pixels, more than ", kMaxPixels);
  return size;
}

bool can_reduce(ImageBytes file) {
  return kind_of(file) == Kind::jpeg;
}

ImageSize reduced_size(ImageSize size, int reduction) {
  return {(size.height + reduction - 1) / reduction, (size.width + reduction - 1) / reduction};
}

void decode_reduced_region(ImageBytes file, int reduction, const PixelBox& box, RgbImage& image) {
  const ImageSize size = reduced_size(read_image_size(file), reduction);
  RLNAS_CHECK(box.top >= 0 && box.left >= 0 && box.height > 0 && box.width > 0 &&
                  box.height <= size.height - box.top && box.width <= size.width - box.left,
              run_failed, "pixels outside of an image of ", size.height, " x ", size.width, " are asked for");
  if (kind_of(file) == Kind::jpeg) {
    decode_jpeg(file, reduction, box, image);
  } else {
    RLNAS_CHECK(reduction == 1, run_failed, "a PNG cannot be reduced as it is decoded");
    copy_box(decode_png(file), box, image);
  }
}

void decode_region(ImageBytes file, const PixelBox& box, RgbImage& image) {
  decode_reduced_region(file, 1, box, image);
}

RgbImage decode_image(ImageBytes file, int wanted_size) {
  const ImageSize size = read_image_size(file);
  if (!can_reduce(file)) return decode_png(file);
  int reduction = 1;
  while (reduction < 8 && std::min(size.height, size.width) / (2 * reduction) >= 2 * wanted_size)
    reduction *= 2;
  const ImageSize reduced = reduced_size(size, reduction);
  RgbImage image;
  decode_jpeg(file, reduction, {0, 0, reduced.height, reduced.width}, image);
  return image;
}

void resize_to_square(const RgbImage& image, int size, std::uint8_t* output) {
  constexpr ResizeFilter kFilter = ResizeFilter::pil_bilinear;
  ResizeScratch scratch;
  resample(image, make_taps({.length = image.height, .target = size, .count = size}, kFilter),
           make_taps({.length = image.width, .target = size, .count = size}, kFilter), kFilter, scratch,
           output);
}

}  // namespace rlnas
