#include "tests/data/image_writer.h"

#include <jpeglib.h>
#include <png.h>

#include <algorithm>
#include <cstdlib>

namespace rlnas::test {
namespace {

std::uint8_t red(std::uint32_t color) {
  return std::uint8_t(color >> 16);
}
std::uint8_t green(std::uint32_t color) {
  return std::uint8_t(color >> 8);
}
std::uint8_t blue(std::uint32_t color) {
  return std::uint8_t(color);
}

void append(png_structp png, png_bytep data, png_size_t count) {
  auto* bytes = static_cast<Bytes*>(png_get_io_ptr(png));
  bytes->insert(bytes->end(), data, data + count);
}

}  // namespace

Bytes make_jpeg(int height, int width, JpegColor color, const Painter& paint, const JpegLayout& layout) {
  jpeg_error_mgr errors{};
  jpeg_compress_struct info{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = JDIMENSION(width);
  info.image_height = JDIMENSION(height);
  info.input_components = color == JpegColor::grey ? 1 : color == JpegColor::rgb ? 3 : 4;
  info.in_color_space = color == JpegColor::grey  ? JCS_GRAYSCALE
                        : color == JpegColor::rgb ? JCS_RGB
                                                  : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, layout.quality, TRUE);
  if (color == JpegColor::rgb) {
    info.comp_info[0].h_samp_factor = layout.horizontal;
    info.comp_info[0].v_samp_factor = layout.vertical;
  }
  if (layout.progressive) jpeg_simple_progression(&info);
  info.restart_in_rows = layout.restart_rows;
  jpeg_start_compress(&info, TRUE);
  Bytes row;
  for (int y = 0; y < height; ++y) {
    row.clear();
    for (int x = 0; x < width; ++x) {
      const std::uint32_t pixel = paint(y, x);
      row.push_back(red(pixel));
      if (color == JpegColor::grey) continue;
      row.push_back(green(pixel));
      row.push_back(blue(pixel));
      if (color == JpegColor::adobe_cmyk) row.push_back(255);  // inverted: no black
    }
    JSAMPROW line = row.data();
    jpeg_write_scanlines(&info, &line, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  Bytes bytes(memory, memory + size);
  std::free(memory);
  return bytes;
}

Bytes make_png(int height, int width, PngColor color, const Painter& paint) {
  Bytes bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &bytes, append, nullptr);
  int type = PNG_COLOR_TYPE_RGB, depth = 8, interlace = PNG_INTERLACE_NONE;
  if (color == PngColor::grey || color == PngColor::grey_1_bit) type = PNG_COLOR_TYPE_GRAY;
  if (color == PngColor::grey_alpha) type = PNG_COLOR_TYPE_GRAY_ALPHA;
  if (color == PngColor::rgba) type = PNG_COLOR_TYPE_RGB_ALPHA;
  if (color == PngColor::palette) type = PNG_COLOR_TYPE_PALETTE;
  if (color == PngColor::grey_1_bit) depth = 1;
  if (color == PngColor::rgb_16_bit) depth = 16;
  if (color == PngColor::interlaced) interlace = PNG_INTERLACE_ADAM7;
  png_set_IHDR(png, info, png_uint_32(width), png_uint_32(height), depth, type, interlace,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  std::vector<std::uint32_t> colors;
  if (color == PngColor::palette) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) colors.push_back(paint(y, x));
    }
    std::sort(colors.begin(), colors.end());
    colors.erase(std::unique(colors.begin(), colors.end()), colors.end());
    std::vector<png_color> palette;
    for (const std::uint32_t entry : colors) palette.push_back({red(entry), green(entry), blue(entry)});
    png_set_PLTE(png, info, palette.data(), int(palette.size()));
    std::uint8_t transparency = 0;
    png_set_tRNS(png, info, &transparency, 1, nullptr);
  }
  png_write_info(png, info);
  if (color == PngColor::grey_1_bit) png_set_packing(png);
  std::vector<Bytes> rows(std::size_t(height), Bytes{});
  std::vector<png_bytep> pointers;
  for (int y = 0; y < height; ++y) {
    Bytes& row = rows[std::size_t(y)];
    for (int x = 0; x < width; ++x) {
      const std::uint32_t pixel = paint(y, x);
      const std::uint8_t alpha = std::uint8_t(37 * x + y);
      switch (color) {
        case PngColor::grey:
          row.push_back(red(pixel));
          break;
        case PngColor::grey_1_bit:
          row.push_back(red(pixel) >> 7);
          break;
        case PngColor::grey_alpha:
          row.insert(row.end(), {red(pixel), alpha});
          break;
        case PngColor::rgba:
          row.insert(row.end(), {red(pixel), green(pixel), blue(pixel), alpha});
          break;
        case PngColor::palette:
          row.push_back(std::uint8_t(std::lower_bound(colors.begin(), colors.end(), pixel) - colors.begin()));
          break;
        case PngColor::rgb_16_bit:
          row.insert(row.end(), {red(pixel), 7, green(pixel), 200, blue(pixel), 99});
          break;
        default:
          row.insert(row.end(), {red(pixel), green(pixel), blue(pixel)});
      }
    }
    pointers.push_back(row.data());
  }
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

}  // namespace rlnas::test
