// JPEG and PNG into RGB pixels, and the resize that image folders go through.
// Colour follows what PIL's convert("RGB") gives: alpha is dropped, grey and palettes are expanded.
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

// No image may have more pixels: a small file can announce a huge one.
inline constexpr std::uint64_t kMaxPixels = 1ull << 27;

// Decodes a file by its first bytes, whatever its name says. A JPEG much larger than `wanted_size` comes back
// reduced by 2, 4 or 8 (in the DCT), never below twice that size.
// Errors: data, with the reason but not the file's name; a truncated or damaged image is an error.
RgbImage decode_image(std::span<const std::uint8_t> file, int wanted_size);

RgbImage decode_jpeg(std::span<const std::uint8_t> file, int wanted_size);
RgbImage decode_png(std::span<const std::uint8_t> file);

// Squeezes or stretches `image` to size x size by a triangle filter as wide as the reduction (PIL's
// BILINEAR), and writes [size, size, 3]. The aspect ratio is not kept.
void resize_to_square(const RgbImage& image, int size, std::uint8_t* output);

}  // namespace rlnas
