// Writes the JPEG and PNG files that the folder tests read.
#pragma once

#include <cstdio>
#include <functional>
#include <string>

#include "tests/data/temp_dir.h"

namespace rlnas::test {

// Color of a pixel: r, g, b as one number 0xRRGGBB.
using Painter = std::function<std::uint32_t(int y, int x)>;

enum class JpegColor { rgb, grey, adobe_cmyk };
enum class PngColor { rgb, grey, grey_alpha, rgba, palette, grey_1_bit, rgb_16_bit, interlaced };

// How the colours of a JPEG are stored: pixels of one colour sample, and how the file is laid out.
struct JpegLayout {
  int horizontal = 2;
  int vertical = 2;
  bool progressive = false;
  int restart_rows = 0;  // a restart marker every so many rows of MCUs; 0: none
  int quality = 98;
};

Bytes make_jpeg(int height, int width, JpegColor color, const Painter& paint, const JpegLayout& layout = {});
// Alpha varies from pixel to pixel; a palette holds up to 256 colours and one transparent entry.
Bytes make_png(int height, int width, PngColor color, const Painter& paint);

}  // namespace rlnas::test
