// JPEG and PNG into RGB pixels, whole or in part, and the resize that small image folders go through.
// Colour follows what PIL's convert("RGB") gives: alpha is dropped, grey and palettes are expanded, four inks
// count as Adobe's inverted ones, EXIF is ignored. One difference: of grey with 16 bits the upper 8 are
// taken, which PIL clips to white.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace rlnas {

struct RgbImage {
  int height = 0;
  int width = 0;
  std::vector<std::uint8_t> pixels;  // [height, width, 3]
};

struct ImageSize {
  int height = 0;
  int width = 0;
};

struct PixelBox {
  int top = 0;
  int left = 0;
  int height = 0;
  int width = 0;
};

// No image may have more pixels: a small file can announce a huge one.
inline constexpr std::uint64_t kMaxPixels = 1ull << 27;

using ImageBytes = std::span<const std::uint8_t>;

// What the file's first bytes announce; its kind is told by them too, whatever its name says.
// Errors: data, with the reason but not the file's name.
ImageSize read_image_size(ImageBytes file);

// The pixels of `box`, which must lie inside the image: the same, bit for bit, as those of the whole. Of a
// JPEG no more is decoded than they need, so that damage elsewhere may go unseen; a file cut short never
// does. Errors: data, as above; run_failed for a box outside of the image.
void decode_region(ImageBytes file, const PixelBox& box, RgbImage& image);

// Likewise of a JPEG reduced by 2, 4 or 8 in the DCT, the size and box being of the reduced image. A PNG is
// never reduced.
ImageSize reduced_size(ImageSize size, int reduction);
bool can_reduce(ImageBytes file);
void decode_reduced_region(ImageBytes file, int reduction, const PixelBox& box, RgbImage& image);

// All of an image. A JPEG much larger than `wanted_size` comes back reduced by 2, 4 or 8, never below twice
// that size.
// Errors: data; a truncated or damaged image is an error.
RgbImage decode_image(ImageBytes file, int wanted_size);

// Squeezes or stretches `image` to size x size (PIL's BILINEAR, data/resample.h), and writes [size, size, 3].
// The aspect ratio is not kept.
void resize_to_square(const RgbImage& image, int size, std::uint8_t* output);

// What the functions above are made of (decode_jpeg.cpp, decode_png.cpp).
ImageSize read_jpeg_size(ImageBytes file);
void decode_jpeg(ImageBytes file, int reduction, const PixelBox& box, RgbImage& image);
ImageSize read_png_size(ImageBytes file);
RgbImage decode_png(ImageBytes file);

}  // namespace rlnas
